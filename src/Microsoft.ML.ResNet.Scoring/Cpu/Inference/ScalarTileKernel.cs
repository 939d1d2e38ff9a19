using System.Runtime.CompilerServices;

namespace Microsoft.ML.ResNet.Cpu.Inference;

/// <summary>
/// Tiles float by float, where .NET knows no vectors of the processor: 2 pixels x 4 channels at a time, whose sums and inputs stay in 16
/// registers.
/// </summary>
internal sealed unsafe class ScalarTileKernel : TileKernel
{
    private const int PixelsAtATime = 2, ChannelsAtATime = 4;

    /// <inheritdoc/>
    public override string Vectors => "no vectors";

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(in ConvolutionTile tile, int blocks)
    {
        // A pixel that is repeated is repeated within its two, or in twos that are left out: all are read before the first is written.
        for (var first = 0; first < tile.Count; first += PixelsAtATime)
            for (var block = 0; block < blocks; block++)
                for (var channel = 0; channel < MapLayout.FullBlock; channel += ChannelsAtATime)
                    RunTwo(tile, first, block, channel, weightsStep: blocks * MapLayout.FullBlock);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunTwo(in ConvolutionTile tile, int first, int block, int channel, int weightsStep)
    {
        var p = tile.Input + tile.InputOffsets[first];
        var q = tile.Input + tile.InputOffsets[first + 1];
        var (p0, p1, p2, p3) = Start(tile, first, block, channel);
        var (q0, q1, q2, q3) = Start(tile, first + 1, block, channel);
        var weights = tile.Weights + block * MapLayout.FullBlock + channel;
        for (var run = 0; run < tile.RunCount; run++)
        {
            var i = tile.RunOffsets[run];
            for (var end = i + tile.RunLength; i < end; i++, weights += weightsStep)
            {
                float x = p[i], y = q[i];
                p0 += x * weights[0];
                q0 += y * weights[0];
                p1 += x * weights[1];
                q1 += y * weights[1];
                p2 += x * weights[2];
                q2 += y * weights[2];
                p3 += x * weights[3];
                q3 += y * weights[3];
            }
        }
        Finish(tile, first, block, channel, p0, p1, p2, p3);
        Finish(tile, first + 1, block, channel, q0, q1, q2, q3);
    }

    private static (float, float, float, float) Start(in ConvolutionTile tile, int pixel, int block, int channel)
    {
        var bias = tile.Bias is null ? null : tile.Bias + block * MapLayout.FullBlock + channel;
        var output = tile.Accumulates ? Output(tile, pixel, block, channel) : null;
        return (Sum(0), Sum(1), Sum(2), Sum(3));

        float Sum(int index) => (bias is null ? 0 : bias[index]) + (output is null ? 0 : output[index]);
    }

    private static void Finish(in ConvolutionTile tile, int pixel, int block, int channel, float a, float b, float c, float d)
    {
        var output = Output(tile, pixel, block, channel);
        (output[0], output[1], output[2], output[3]) = tile.Rectifies ? (Relu(a), Relu(b), Relu(c), Relu(d)) : (a, b, c, d);
    }

    private static float Relu(float x) => x < 0 ? 0 : x; // what is no number stays none

    private static float* Output(in ConvolutionTile tile, int pixel, int block, int channel)
        => tile.Output + tile.OutputOffsets[pixel] + block * tile.BlockStride + channel;
}
