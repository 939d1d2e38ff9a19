using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using Microsoft.ML.ResNet.Cpu.Kernels;

namespace Microsoft.ML.ResNet.Cpu.Inference;

/// <summary>
/// Tiles in vectors of four floats, which every processor has: NEON on ARM64, SSE on x86. Of ARM64's 32 registers, a tile of 4 pixels x
/// 16 channels takes 16 for the sums, 4 for a row of weights, and 4 for four floats of each input, of which the multiplication picks one;
/// of 16 registers, a tile of 4 x 8 takes 8, 2 and 1.
/// </summary>
/// <remarks>
/// Where a processor multiplies and adds in one instruction, as ARM64 does, the results are the bits of the other kernels; elsewhere they
/// are rounded once more for each product.
/// </remarks>
/// <param name="hasManyRegisters">Whether vectors have 32 registers instead of 16.</param>
internal sealed unsafe class PortableTileKernel(bool hasManyRegisters) : TileKernel
{
    private const int Lanes = 4, Half = 8, PixelsAtATime = 4;

    /// <summary>Tiles as this processor's registers suggest.</summary>
    public PortableTileKernel() : this(AdvSimd.Arm64.IsSupported)
    {
    }

    /// <inheritdoc/>
    public override string Vectors => AdvSimd.Arm64.IsSupported ? "NEON" : "vectors of 128 bits";

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(in ConvolutionTile tile, int blocks)
    {
        var weightsStep = blocks * MapLayout.FullBlock;
        // Weights stay in the cache while all pixels meet them. A pixel that is repeated stays among its four, whose outputs are all read
        // before the first is written.
        for (var block = 0; block < blocks; block++)
            if (hasManyRegisters)
                for (var first = 0; first < tile.Count; first += PixelsAtATime)
                    RunBlock(tile, first, block, weightsStep);
            else
                for (var half = 0; half < MapLayout.FullBlock; half += Half)
                    for (var first = 0; first < tile.Count; first += PixelsAtATime)
                        RunHalf(tile, first, block, half, weightsStep);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunBlock(in ConvolutionTile tile, int first, int block, int weightsStep)
    {
        var p0 = tile.Input + tile.InputOffsets[first];
        var p1 = tile.Input + tile.InputOffsets[first + 1];
        var p2 = tile.Input + tile.InputOffsets[first + 2];
        var p3 = tile.Input + tile.InputOffsets[first + 3];
        Start(tile, first, block, 0, out var a0, out var b0);
        Start(tile, first, block, Half, out var c0, out var d0);
        Start(tile, first + 1, block, 0, out var a1, out var b1);
        Start(tile, first + 1, block, Half, out var c1, out var d1);
        Start(tile, first + 2, block, 0, out var a2, out var b2);
        Start(tile, first + 2, block, Half, out var c2, out var d2);
        Start(tile, first + 3, block, 0, out var a3, out var b3);
        Start(tile, first + 3, block, Half, out var c3, out var d3);
        var weights = tile.Weights + block * MapLayout.FullBlock;
        for (var run = 0; run < tile.RunCount; run++)
        {
            var i = tile.RunOffsets[run];
            var end = i + tile.RunLength;
            for (; i <= end - Lanes; i += Lanes)
            {
                Vector128<float> x0 = Vector128.Load(p0 + i), x1 = Vector128.Load(p1 + i), x2 = Vector128.Load(p2 + i),
                    x3 = Vector128.Load(p3 + i);
                Add(weights, x0, x1, x2, x3, 0, ref a0, ref b0, ref c0, ref d0, ref a1, ref b1, ref c1, ref d1,
                    ref a2, ref b2, ref c2, ref d2, ref a3, ref b3, ref c3, ref d3);
                weights += weightsStep;
                Add(weights, x0, x1, x2, x3, 1, ref a0, ref b0, ref c0, ref d0, ref a1, ref b1, ref c1, ref d1,
                    ref a2, ref b2, ref c2, ref d2, ref a3, ref b3, ref c3, ref d3);
                weights += weightsStep;
                Add(weights, x0, x1, x2, x3, 2, ref a0, ref b0, ref c0, ref d0, ref a1, ref b1, ref c1, ref d1,
                    ref a2, ref b2, ref c2, ref d2, ref a3, ref b3, ref c3, ref d3);
                weights += weightsStep;
                Add(weights, x0, x1, x2, x3, 3, ref a0, ref b0, ref c0, ref d0, ref a1, ref b1, ref c1, ref d1,
                    ref a2, ref b2, ref c2, ref d2, ref a3, ref b3, ref c3, ref d3);
                weights += weightsStep;
            }
            for (; i < end; i++)
            {
                Add(weights, Vector128.CreateScalarUnsafe(p0[i]), Vector128.CreateScalarUnsafe(p1[i]),
                    Vector128.CreateScalarUnsafe(p2[i]), Vector128.CreateScalarUnsafe(p3[i]), 0,
                    ref a0, ref b0, ref c0, ref d0, ref a1, ref b1, ref c1, ref d1,
                    ref a2, ref b2, ref c2, ref d2, ref a3, ref b3, ref c3, ref d3);
                weights += weightsStep;
            }
        }
        Finish(tile, first, block, 0, a0, b0);
        Finish(tile, first, block, Half, c0, d0);
        Finish(tile, first + 1, block, 0, a1, b1);
        Finish(tile, first + 1, block, Half, c1, d1);
        Finish(tile, first + 2, block, 0, a2, b2);
        Finish(tile, first + 2, block, Half, c2, d2);
        Finish(tile, first + 3, block, 0, a3, b3);
        Finish(tile, first + 3, block, Half, c3, d3);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunHalf(in ConvolutionTile tile, int first, int block, int half, int weightsStep)
    {
        var p0 = tile.Input + tile.InputOffsets[first];
        var p1 = tile.Input + tile.InputOffsets[first + 1];
        var p2 = tile.Input + tile.InputOffsets[first + 2];
        var p3 = tile.Input + tile.InputOffsets[first + 3];
        Start(tile, first, block, half, out var a0, out var b0);
        Start(tile, first + 1, block, half, out var a1, out var b1);
        Start(tile, first + 2, block, half, out var a2, out var b2);
        Start(tile, first + 3, block, half, out var a3, out var b3);
        var weights = tile.Weights + block * MapLayout.FullBlock + half;
        for (var run = 0; run < tile.RunCount; run++)
        {
            var i = tile.RunOffsets[run];
            for (var end = i + tile.RunLength; i < end; i++)
            {
                Vector128<float> v = Vector128.Load(weights), w = Vector128.Load(weights + Lanes);
                weights += weightsStep;
                var x0 = Vector128.Create(p0[i]);
                a0 = Vector128.MultiplyAddEstimate(x0, v, a0);
                b0 = Vector128.MultiplyAddEstimate(x0, w, b0);
                var x1 = Vector128.Create(p1[i]);
                a1 = Vector128.MultiplyAddEstimate(x1, v, a1);
                b1 = Vector128.MultiplyAddEstimate(x1, w, b1);
                var x2 = Vector128.Create(p2[i]);
                a2 = Vector128.MultiplyAddEstimate(x2, v, a2);
                b2 = Vector128.MultiplyAddEstimate(x2, w, b2);
                var x3 = Vector128.Create(p3[i]);
                a3 = Vector128.MultiplyAddEstimate(x3, v, a3);
                b3 = Vector128.MultiplyAddEstimate(x3, w, b3);
            }
        }
        Finish(tile, first, block, half, a0, b0);
        Finish(tile, first + 1, block, half, a1, b1);
        Finish(tile, first + 2, block, half, a2, b2);
        Finish(tile, first + 3, block, half, a3, b3);
    }

    // A row of weights meets one float of each of four inputs. References to locals vanish as the method is written into its caller.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(float* weights, Vector128<float> x0, Vector128<float> x1, Vector128<float> x2, Vector128<float> x3,
        [ConstantExpected(Max = (byte)(Lanes - 1))] byte lane,
        ref Vector128<float> a0, ref Vector128<float> b0, ref Vector128<float> c0, ref Vector128<float> d0,
        ref Vector128<float> a1, ref Vector128<float> b1, ref Vector128<float> c1, ref Vector128<float> d1,
        ref Vector128<float> a2, ref Vector128<float> b2, ref Vector128<float> c2, ref Vector128<float> d2,
        ref Vector128<float> a3, ref Vector128<float> b3, ref Vector128<float> c3, ref Vector128<float> d3)
    {
        Vector128<float> a = Vector128.Load(weights), b = Vector128.Load(weights + Lanes), c = Vector128.Load(weights + 2 * Lanes),
            d = Vector128.Load(weights + 3 * Lanes);
        a0 = MultiplyAdd(x0, lane, a, a0);
        b0 = MultiplyAdd(x0, lane, b, b0);
        c0 = MultiplyAdd(x0, lane, c, c0);
        d0 = MultiplyAdd(x0, lane, d, d0);
        a1 = MultiplyAdd(x1, lane, a, a1);
        b1 = MultiplyAdd(x1, lane, b, b1);
        c1 = MultiplyAdd(x1, lane, c, c1);
        d1 = MultiplyAdd(x1, lane, d, d1);
        a2 = MultiplyAdd(x2, lane, a, a2);
        b2 = MultiplyAdd(x2, lane, b, b2);
        c2 = MultiplyAdd(x2, lane, c, c2);
        d2 = MultiplyAdd(x2, lane, d, d2);
        a3 = MultiplyAdd(x3, lane, a, a3);
        b3 = MultiplyAdd(x3, lane, b, b3);
        c3 = MultiplyAdd(x3, lane, c, c3);
        d3 = MultiplyAdd(x3, lane, d, d3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> MultiplyAdd(Vector128<float> x, [ConstantExpected(Max = (byte)(Lanes - 1))] byte lane,
        Vector128<float> weights, Vector128<float> sum)
        => AdvSimd.Arm64.IsSupported
            ? AdvSimd.Arm64.FusedMultiplyAddBySelectedScalar(sum, weights, x, lane)
            : Vector128.MultiplyAddEstimate(Vector128.Create(x.GetElement(lane)), weights, sum);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Start(in ConvolutionTile tile, int pixel, int block, int channel, out Vector128<float> low,
        out Vector128<float> high)
    {
        (low, high) = (Vector128<float>.Zero, Vector128<float>.Zero);
        if (tile.Bias is not null)
        {
            low = Vector128.Load(tile.Bias + block * MapLayout.FullBlock + channel);
            high = Vector128.Load(tile.Bias + block * MapLayout.FullBlock + channel + Lanes);
        }
        if (!tile.Accumulates)
            return;
        var output = tile.Output + tile.OutputOffsets[pixel] + block * tile.BlockStride + channel;
        low += Vector128.Load(output);
        high += Vector128.Load(output + Lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish(in ConvolutionTile tile, int pixel, int block, int channel, Vector128<float> low, Vector128<float> high)
    {
        if (tile.Rectifies)
        {
            low = Relu.Of(low);
            high = Relu.Of(high);
        }
        var output = tile.Output + tile.OutputOffsets[pixel] + block * tile.BlockStride + channel;
        low.Store(output);
        high.Store(output + Lanes);
    }
}
