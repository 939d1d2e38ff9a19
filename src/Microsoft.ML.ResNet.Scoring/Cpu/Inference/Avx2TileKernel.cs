using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Microsoft.ML.ResNet.Cpu.Kernels;

namespace Microsoft.ML.ResNet.Cpu.Inference;

/// <summary>
/// Tiles on processors with AVX2, 4 pixels x 16 channels at a time: of the 16 registers of eight floats, 8 hold the sums, 2 a row of
/// weights, and 1 the float of the input that meets both.
/// </summary>
internal sealed unsafe class Avx2TileKernel : TileKernel
{
    private const int Half = 8, PixelsAtATime = 4;

    /// <inheritdoc/>
    public override string Vectors => "AVX2";

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(in ConvolutionTile tile, int blocks)
    {
        // A pixel that is repeated stays among its four, whose outputs are all read before the first is written.
        for (var first = 0; first < tile.Count; first += PixelsAtATime)
            for (var block = 0; block < blocks; block++)
                RunFour(tile, first, block, weightsStep: blocks * MapLayout.FullBlock);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunFour(in ConvolutionTile tile, int first, int block, int weightsStep)
    {
        var p0 = tile.Input + tile.InputOffsets[first];
        var p1 = tile.Input + tile.InputOffsets[first + 1];
        var p2 = tile.Input + tile.InputOffsets[first + 2];
        var p3 = tile.Input + tile.InputOffsets[first + 3];
        Vector256<float> a0 = Start(tile, first, block, 0), b0 = Start(tile, first, block, Half);
        Vector256<float> a1 = Start(tile, first + 1, block, 0), b1 = Start(tile, first + 1, block, Half);
        Vector256<float> a2 = Start(tile, first + 2, block, 0), b2 = Start(tile, first + 2, block, Half);
        Vector256<float> a3 = Start(tile, first + 3, block, 0), b3 = Start(tile, first + 3, block, Half);
        var weights = tile.Weights + block * MapLayout.FullBlock;
        for (var run = 0; run < tile.RunCount; run++)
        {
            var i = tile.RunOffsets[run];
            for (var end = i + tile.RunLength; i < end; i++)
            {
                Vector256<float> v = Vector256.Load(weights), w = Vector256.Load(weights + Half);
                weights += weightsStep;
                var x0 = Vector256.Create(p0[i]);
                a0 = Vector256.FusedMultiplyAdd(x0, v, a0);
                b0 = Vector256.FusedMultiplyAdd(x0, w, b0);
                var x1 = Vector256.Create(p1[i]);
                a1 = Vector256.FusedMultiplyAdd(x1, v, a1);
                b1 = Vector256.FusedMultiplyAdd(x1, w, b1);
                var x2 = Vector256.Create(p2[i]);
                a2 = Vector256.FusedMultiplyAdd(x2, v, a2);
                b2 = Vector256.FusedMultiplyAdd(x2, w, b2);
                var x3 = Vector256.Create(p3[i]);
                a3 = Vector256.FusedMultiplyAdd(x3, v, a3);
                b3 = Vector256.FusedMultiplyAdd(x3, w, b3);
            }
        }
        Finish(tile, first, block, a0, b0);
        Finish(tile, first + 1, block, a1, b1);
        Finish(tile, first + 2, block, a2, b2);
        Finish(tile, first + 3, block, a3, b3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Start(in ConvolutionTile tile, int pixel, int block, int half)
    {
        var bias = tile.Bias is null ? Vector256<float>.Zero : Vector256.Load(tile.Bias + block * MapLayout.FullBlock + half);
        return tile.Accumulates ? bias + Vector256.Load(tile.Output + tile.OutputOffsets[pixel] + block * tile.BlockStride + half) : bias;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish(in ConvolutionTile tile, int pixel, int block, Vector256<float> low, Vector256<float> high)
    {
        if (tile.Rectifies)
        {
            low = Relu.Of(low);
            high = Relu.Of(high);
        }
        var output = tile.Output + tile.OutputOffsets[pixel] + block * tile.BlockStride;
        low.Store(output);
        high.Store(output + Half);
    }
}
