using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.ML.ResNet.Network.Torch;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Network;

/// <summary>
/// How pixels become the network's input: divided by 255, minus the mean of their channel, over its deviation. The one place that
/// training and scoring share.
/// </summary>
/// <param name="Mean">For each channel, in units of 0 (black) to 1 (full).</param>
/// <param name="Deviation">For each channel, in the same units; above 0.</param>
internal sealed record Normalization(IReadOnlyList<float> Mean, IReadOnlyList<float> Deviation)
{
    /// <summary>Converts a batch.</summary>
    /// <param name="pixels">uint8, (N, C, H, W).</param>
    /// <returns>float32, (N, C, H, W) in channels-last memory; the caller owns it.</returns>
    public Tensor Apply(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        if (PlanarBytes.AreIn(pixels) && ResNetRuntime.Options.ChannelsLast)
            return ByTable(pixels).MoveToOuterDisposeScope();
        var (scale, shift) = ScaleAndShift();
        var images = pixels.ToChannelsLast().to_type(ScalarType.Float32);
        return images.mul_(PerChannel(scale)).add_(PerChannel(shift)).MoveToOuterDisposeScope();

        Tensor PerChannel(float[] values) => tensor(values, [1, values.Length, 1, 1], device: pixels.device);
    }

    /// <summary>The same in two steps: a pixel from 0 to 255, times the scale of its channel, plus the shift.</summary>
    public (float[] Scale, float[] Shift) ScaleAndShift()
        => ([.. Deviation.Select(deviation => 1 / (255 * deviation))], [.. Mean.Zip(Deviation, (mean, deviation) => -mean / deviation)]);

    /// <summary>For each channel what each of the 256 pixels becomes.</summary>
    public float[][] Tabulate()
    {
        var (scale, shift) = ScaleAndShift();
        return [.. scale.Select((_, channel) => Enumerable.Range(0, 256).Select(pixel => pixel * scale[channel] + shift[channel])
            .ToArray())];
    }

    // The same bits in one pass.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private Tensor ByTable(Tensor pixels)
    {
        var shape = pixels.shape;
        var images = empty([shape[0], shape[2], shape[3], shape[1]]); // channels-last
        var (channels, plane) = ((int)shape[1], (int)(shape[2] * shape[3]));
        var tables = Tabulate();
        var source = pixels.bytes;
        var target = MemoryMarshal.Cast<byte, float>(images.bytes);
        for (; source.Length > 0; target = target[(channels * plane)..])
            for (var channel = 0; channel < channels; channel++, source = source[plane..])
            {
                var table = tables[channel];
                for (int i = 0, place = channel; i < plane; i++, place += channels)
                    target[place] = table[source[i]];
            }
        return images.permute(0, 3, 1, 2);
    }

    /// <summary>As in <c>mean 0.491, 0.482, 0.447, deviation 0.247, 0.243, 0.262</c>.</summary>
    public override string ToString() => $"mean {Print(Mean)}, deviation {Print(Deviation)}";

    private static string Print(IEnumerable<float> values)
        => string.Join(", ", values.Select(value => value.ToString("0.000", CultureInfo.InvariantCulture)));
}
