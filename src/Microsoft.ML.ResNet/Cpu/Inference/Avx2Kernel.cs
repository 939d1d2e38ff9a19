using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Microsoft.ML.ResNet.Cpu.Inference;

/// <summary>
/// Tiles on processors with AVX2, which have sixteen registers of eight floats: a tile is computed in pieces of four pixels in one block, a
/// block being two registers.
/// </summary>
internal sealed unsafe class Avx2Kernel : TileKernel
{
    private const int Half = 8, PixelsInPiece = 4;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(in ConvolutionTile tile, int blocks)
    {
        // A pixel that is repeated stays in its piece, whose places are all read before the first is written.
        for (var first = 0; first < tile.Count; first += PixelsInPiece)
            for (var block = 0; block < blocks; block++)
                RunPiece(tile, first, block, weightsStep: blocks * MapLayout.FullBlock);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Multiply(float* rows, int count, PackedWeights weights, float* products)
    {
        var (inputs, outputs, start) = (weights.WindowLength, weights.Blocks * MapLayout.FullBlock, (nint)0);
        nint* windows = stackalloc nint[ConvolutionTile.Pixels], places = stackalloc nint[ConvolutionTile.Pixels];
        for (var i = 0; i < ConvolutionTile.Pixels; i++)
            (windows[i], places[i]) = (i * inputs, i * outputs);
        var tile = new ConvolutionTile { Count = ConvolutionTile.Pixels, Windows = windows, Runs = &start, RunCount = 1, RunLength = inputs,
            Places = places, BlockStride = MapLayout.FullBlock };
        for (var group = 0; group < weights.Groups; group++)
        {
            tile.Weights = weights.Weights(group);
            tile.Bias = weights.Bias(group);
            for (var row = 0; row < count; row += ConvolutionTile.Pixels)
            {
                tile.Input = rows + (nint)row * inputs;
                tile.Output = products + (nint)row * outputs + group * ConvolutionTile.MaxBlocks * MapLayout.FullBlock;
                Run(tile, weights.BlocksIn(group));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunPiece(in ConvolutionTile tile, int first, int block, int weightsStep)
    {
        var p0 = tile.Input + tile.Windows[first];
        var p1 = tile.Input + tile.Windows[first + 1];
        var p2 = tile.Input + tile.Windows[first + 2];
        var p3 = tile.Input + tile.Windows[first + 3];
        Vector256<float> a0 = Start(tile, first, block, 0), b0 = Start(tile, first, block, Half);
        Vector256<float> a1 = Start(tile, first + 1, block, 0), b1 = Start(tile, first + 1, block, Half);
        Vector256<float> a2 = Start(tile, first + 2, block, 0), b2 = Start(tile, first + 2, block, Half);
        Vector256<float> a3 = Start(tile, first + 3, block, 0), b3 = Start(tile, first + 3, block, Half);
        var weights = tile.Weights + block * MapLayout.FullBlock;
        for (var run = 0; run < tile.RunCount; run++)
        {
            var i = tile.Runs[run];
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
        var bias = Vector256.Load(tile.Bias + block * MapLayout.FullBlock + half);
        return tile.Accumulates ? bias + Vector256.Load(tile.Output + tile.Places[pixel] + block * tile.BlockStride + half) : bias;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish(in ConvolutionTile tile, int pixel, int block, Vector256<float> low, Vector256<float> high)
    {
        if (tile.Rectifies)
        {
            low = Avx.Max(Vector256<float>.Zero, low); // the second operand where one is NaN: NaN stays NaN, as in libtorch
            high = Avx.Max(Vector256<float>.Zero, high);
        }
        var place = tile.Output + tile.Places[pixel] + block * tile.BlockStride;
        low.Store(place);
        high.Store(place + Half);
    }
}
