namespace Microsoft.ML.ResNet.Images;

/// <summary>Measures the channels of images, exactly: it counts how often each value occurs.</summary>
/// <param name="shape">The shape of every image.</param>
internal sealed class ChannelStatistics(ImageShape shape)
{
    private readonly long[][] _histograms = [.. Enumerable.Range(0, shape.Channels).Select(_ => new long[256])];

    /// <summary>Takes an image in.</summary>
    /// <param name="image">Its pixels, one channel after the other.</param>
    public void Add(ReadOnlySpan<byte> image)
    {
        for (var channel = 0; channel < shape.Channels; channel++)
        {
            var histogram = _histograms[channel];
            foreach (var value in image.Slice(channel * shape.PlaneSize, shape.PlaneSize))
                histogram[value]++;
        }
    }

    /// <summary>Mean and deviation of each channel over all pixels so far, exact but for the last rounding; a channel without contrast gets deviation 1.</summary>
    public Normalization Measure()
    {
        var statistics = _histograms.Select(MeanAndDeviation).ToArray();
        return new Normalization([.. statistics.Select(s => (float)s.Mean)], [.. statistics.Select(s => (float)s.Deviation)]);
    }

    private static (double Mean, double Deviation) MeanAndDeviation(long[] histogram)
    {
        double count = histogram.Sum();
        var mean = histogram.Select((frequency, value) => value / 255.0 * frequency).Sum() / count;
        var variance = histogram.Select((frequency, value) => Math.Pow(value / 255.0 - mean, 2) * frequency).Sum() / count;
        return (mean, variance > 0 ? Math.Sqrt(variance) : 1);
    }
}
