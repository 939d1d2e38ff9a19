using System.Globalization;

namespace Microsoft.ML.ResNet.Network;

/// <summary>
/// How pixels become the network's input: divided by 255, minus the mean of their channel, over its deviation. The one place that
/// training and scoring share.
/// </summary>
/// <param name="Mean">For each channel, in units of 0 (black) to 1 (full).</param>
/// <param name="Deviation">For each channel, in the same units; above 0.</param>
internal sealed record Normalization(IReadOnlyList<float> Mean, IReadOnlyList<float> Deviation)
{
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

    /// <summary>As in <c>mean 0.491, 0.482, 0.447, deviation 0.247, 0.243, 0.262</c>.</summary>
    public override string ToString() => $"mean {Print(Mean)}, deviation {Print(Deviation)}";

    private static string Print(IEnumerable<float> values)
        => string.Join(", ", values.Select(value => value.ToString("0.000", CultureInfo.InvariantCulture)));
}
