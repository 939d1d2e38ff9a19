using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Microsoft.ML.ResNet.Cpu.Kernels;

namespace Microsoft.ML.ResNet.Cpu.Inference;

/// <summary>
/// Tiles on processors with AVX-512, 8 pixels x 16 or 32 channels at a time: of the 32 registers of 16 floats, 8 or 16 hold the sums, 1 or
/// 2 a row of weights, and 1 the float of the input that meets both. Eight pixels are what it takes to keep both multiply-add units busy,
/// since each result is ready only four cycles later.
/// </summary>
internal sealed unsafe class Avx512TileKernel : TileKernel
{
    private const int Block = MapLayout.FullBlock;

    /// <inheritdoc/>
    public override string Vectors => "AVX-512";

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(in ConvolutionTile tile, int blocks)
    {
        if (blocks == 2)
            RunTwoBlocks(tile);
        else
            RunOneBlock(tile);
    }

    /// <inheritdoc/>
    public override void Multiply(float* rows, int count, int inputs, float* weights, int outputs, float* products)
        => ConvolutionMicroKernel.Multiply(rows, count, inputs, weights, outputs, products, blockWidth: 32);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunOneBlock(in ConvolutionTile tile)
    {
        var p0 = tile.Input + tile.InputOffsets[0];
        var p1 = tile.Input + tile.InputOffsets[1];
        var p2 = tile.Input + tile.InputOffsets[2];
        var p3 = tile.Input + tile.InputOffsets[3];
        var p4 = tile.Input + tile.InputOffsets[4];
        var p5 = tile.Input + tile.InputOffsets[5];
        var p6 = tile.Input + tile.InputOffsets[6];
        var p7 = tile.Input + tile.InputOffsets[7];
        var a0 = Start(tile, 0, 0);
        var a1 = Start(tile, 1, 0);
        var a2 = Start(tile, 2, 0);
        var a3 = Start(tile, 3, 0);
        var a4 = Start(tile, 4, 0);
        var a5 = Start(tile, 5, 0);
        var a6 = Start(tile, 6, 0);
        var a7 = Start(tile, 7, 0);
        var weights = tile.Weights;
        for (var run = 0; run < tile.RunCount; run++)
        {
            var i = tile.RunOffsets[run];
            for (var end = i + tile.RunLength; i < end; i++)
            {
                var w = Vector512.Load(weights);
                weights += Block;
                a0 = Vector512.FusedMultiplyAdd(Vector512.Create(p0[i]), w, a0);
                a1 = Vector512.FusedMultiplyAdd(Vector512.Create(p1[i]), w, a1);
                a2 = Vector512.FusedMultiplyAdd(Vector512.Create(p2[i]), w, a2);
                a3 = Vector512.FusedMultiplyAdd(Vector512.Create(p3[i]), w, a3);
                a4 = Vector512.FusedMultiplyAdd(Vector512.Create(p4[i]), w, a4);
                a5 = Vector512.FusedMultiplyAdd(Vector512.Create(p5[i]), w, a5);
                a6 = Vector512.FusedMultiplyAdd(Vector512.Create(p6[i]), w, a6);
                a7 = Vector512.FusedMultiplyAdd(Vector512.Create(p7[i]), w, a7);
            }
        }
        Finish(tile, 0, 0, a0);
        Finish(tile, 1, 0, a1);
        Finish(tile, 2, 0, a2);
        Finish(tile, 3, 0, a3);
        Finish(tile, 4, 0, a4);
        Finish(tile, 5, 0, a5);
        Finish(tile, 6, 0, a6);
        Finish(tile, 7, 0, a7);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunTwoBlocks(in ConvolutionTile tile)
    {
        var p0 = tile.Input + tile.InputOffsets[0];
        var p1 = tile.Input + tile.InputOffsets[1];
        var p2 = tile.Input + tile.InputOffsets[2];
        var p3 = tile.Input + tile.InputOffsets[3];
        var p4 = tile.Input + tile.InputOffsets[4];
        var p5 = tile.Input + tile.InputOffsets[5];
        var p6 = tile.Input + tile.InputOffsets[6];
        var p7 = tile.Input + tile.InputOffsets[7];
        Vector512<float> a0 = Start(tile, 0, 0), b0 = Start(tile, 0, 1);
        Vector512<float> a1 = Start(tile, 1, 0), b1 = Start(tile, 1, 1);
        Vector512<float> a2 = Start(tile, 2, 0), b2 = Start(tile, 2, 1);
        Vector512<float> a3 = Start(tile, 3, 0), b3 = Start(tile, 3, 1);
        Vector512<float> a4 = Start(tile, 4, 0), b4 = Start(tile, 4, 1);
        Vector512<float> a5 = Start(tile, 5, 0), b5 = Start(tile, 5, 1);
        Vector512<float> a6 = Start(tile, 6, 0), b6 = Start(tile, 6, 1);
        Vector512<float> a7 = Start(tile, 7, 0), b7 = Start(tile, 7, 1);
        var weights = tile.Weights;
        for (var run = 0; run < tile.RunCount; run++)
        {
            var i = tile.RunOffsets[run];
            for (var end = i + tile.RunLength; i < end; i++)
            {
                Vector512<float> v = Vector512.Load(weights), w = Vector512.Load(weights + Block);
                weights += 2 * Block;
                var x0 = Vector512.Create(p0[i]);
                a0 = Vector512.FusedMultiplyAdd(x0, v, a0);
                b0 = Vector512.FusedMultiplyAdd(x0, w, b0);
                var x1 = Vector512.Create(p1[i]);
                a1 = Vector512.FusedMultiplyAdd(x1, v, a1);
                b1 = Vector512.FusedMultiplyAdd(x1, w, b1);
                var x2 = Vector512.Create(p2[i]);
                a2 = Vector512.FusedMultiplyAdd(x2, v, a2);
                b2 = Vector512.FusedMultiplyAdd(x2, w, b2);
                var x3 = Vector512.Create(p3[i]);
                a3 = Vector512.FusedMultiplyAdd(x3, v, a3);
                b3 = Vector512.FusedMultiplyAdd(x3, w, b3);
                var x4 = Vector512.Create(p4[i]);
                a4 = Vector512.FusedMultiplyAdd(x4, v, a4);
                b4 = Vector512.FusedMultiplyAdd(x4, w, b4);
                var x5 = Vector512.Create(p5[i]);
                a5 = Vector512.FusedMultiplyAdd(x5, v, a5);
                b5 = Vector512.FusedMultiplyAdd(x5, w, b5);
                var x6 = Vector512.Create(p6[i]);
                a6 = Vector512.FusedMultiplyAdd(x6, v, a6);
                b6 = Vector512.FusedMultiplyAdd(x6, w, b6);
                var x7 = Vector512.Create(p7[i]);
                a7 = Vector512.FusedMultiplyAdd(x7, v, a7);
                b7 = Vector512.FusedMultiplyAdd(x7, w, b7);
            }
        }
        Finish(tile, 0, 0, a0);
        Finish(tile, 0, 1, b0);
        Finish(tile, 1, 0, a1);
        Finish(tile, 1, 1, b1);
        Finish(tile, 2, 0, a2);
        Finish(tile, 2, 1, b2);
        Finish(tile, 3, 0, a3);
        Finish(tile, 3, 1, b3);
        Finish(tile, 4, 0, a4);
        Finish(tile, 4, 1, b4);
        Finish(tile, 5, 0, a5);
        Finish(tile, 5, 1, b5);
        Finish(tile, 6, 0, a6);
        Finish(tile, 6, 1, b6);
        Finish(tile, 7, 0, a7);
        Finish(tile, 7, 1, b7);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Start(in ConvolutionTile tile, int pixel, int block)
    {
        var bias = tile.Bias is null ? Vector512<float>.Zero : Vector512.Load(tile.Bias + block * Block);
        return tile.Accumulates ? bias + Vector512.Load(tile.Output + tile.OutputOffsets[pixel] + block * tile.BlockStride) : bias;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish(in ConvolutionTile tile, int pixel, int block, Vector512<float> sum)
    {
        if (tile.Rectifies)
            sum = Relu.Of(sum);
        sum.Store(tile.Output + tile.OutputOffsets[pixel] + block * tile.BlockStride);
    }
}
