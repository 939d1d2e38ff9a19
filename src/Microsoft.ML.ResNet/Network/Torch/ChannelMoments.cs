using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Network.Torch;

/// <summary>Mean and variance of every channel of a batch, of which several processes have a part each.</summary>
internal sealed class ChannelMoments
{
    private readonly double[] _mean, _squares; // squares: summed squared deviations from the mean

    private ChannelMoments(int channels) => (_mean, _squares) = (new double[channels], new double[channels]);

    /// <summary>Values of a channel: images times pixels.</summary>
    public double Count { get; private set; }

    /// <summary>
    /// Measures a batch: each process its own part, in 32 bits, and all together in 64, merged in the order of ranks (Chan et al. 1979).
    /// </summary>
    /// <param name="x">The images of this process: (n, C, H, W); n may be 0.</param>
    /// <param name="processes">The processes; together they have one image at least.</param>
    public static ChannelMoments Of(Tensor x, ProcessGroup processes)
    {
        var channels = (int)x.shape[1];
        var all = new ChannelMoments(channels);
        foreach (var part in processes.GatherAll(Measured(x, channels)))
            all.Merge(part[0], part.AsSpan(1, channels), part.AsSpan(1 + channels));
        return all;
    }

    /// <summary>The means: float32, (C); the caller owns them.</summary>
    public Tensor Mean(Device device) => On(device, channel => _mean[channel]);

    /// <summary>The variances: float32, (C); the caller owns them.</summary>
    public Tensor Variance(Device device) => On(device, Variance);

    /// <summary>The variances of what the batch was drawn from, as far as it tells: float32, (C); the caller owns them.</summary>
    public Tensor UnbiasedVariance(Device device) => On(device, channel => _squares[channel] / (Count - 1));

    /// <summary>What the values of a channel are divided by.</summary>
    public double Deviation(int channel) => Math.Sqrt(Variance(channel) + BatchNormalization.Epsilon);

    private double Variance(int channel) => _squares[channel] / Count;

    private Tensor On(Device device, Func<int, double> value)
        => tensor(Enumerable.Range(0, _mean.Length).Select(channel => (float)value(channel)).ToArray()).SentTo(device);

    private void Merge(double count, ReadOnlySpan<double> mean, ReadOnlySpan<double> squares)
    {
        if (count == 0)
            return;
        var all = Count + count;
        for (var channel = 0; channel < mean.Length; channel++)
        {
            var difference = mean[channel] - _mean[channel];
            _mean[channel] += difference * (count / all);
            _squares[channel] += squares[channel] + difference * difference * (Count * count / all);
        }
        Count = all;
    }

    // The count, the means, the squares.
    private static double[] Measured(Tensor x, int channels)
    {
        var values = new double[1 + 2 * channels];
        if (x.numel() == 0)
            return values;
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var (variance, mean) = var_mean(x.detach().to_type(ScalarType.Float32), [0, 2, 3], unbiased: false);
        values[0] = x.numel() / channels;
        mean.to_type(ScalarType.Float64).cpu().data<double>().CopyTo(values, 1);
        (variance.to_type(ScalarType.Float64) * values[0]).cpu().data<double>().CopyTo(values, 1 + channels);
        return values;
    }
}
