namespace Microsoft.ML.ResNet.Images;

/// <summary>For one direction of a resize: which source pixels make up each target pixel, and with which weights (they sum to 1).</summary>
internal sealed class FilterTaps
{
    private readonly int[] _starts;
    private readonly int[] _counts;
    private readonly float[] _weights;
    private readonly int _stride;

    /// <summary>
    /// The taps of a filter whose half width, in pixels, is that of the interpolation; in source pixels, or in target pixels where those
    /// are wider.
    /// </summary>
    /// <param name="sourceLength">Source pixels in this direction, at least 1.</param>
    /// <param name="targetLength">Pixels to which all of the source is scaled, at least 1.</param>
    /// <param name="first">The first of them that is wanted.</param>
    /// <param name="count">How many are wanted, at least 1.</param>
    /// <param name="interpolation">The filter.</param>
    public FilterTaps(int sourceLength, long targetLength, long first, int count, ImageInterpolation interpolation)
    {
        var scale = (double)sourceLength / targetLength;
        var widening = Math.Max(scale, 1);
        var halfWidth = widening * (interpolation == ImageInterpolation.Bicubic ? 2 : 1);
        _stride = (int)Math.Ceiling(halfWidth) * 2 + 1;
        _starts = new int[count];
        _counts = new int[count];
        _weights = new float[count * _stride];
        for (var target = 0; target < count; target++)
            Fill(target, (first + target + 0.5) * scale, widening, halfWidth, sourceLength, interpolation);
    }

    /// <summary>The first source pixel of a target pixel.</summary>
    public int Start(int target) => _starts[target];

    /// <summary>One past the last source pixel of a target pixel.</summary>
    public int End(int target) => _starts[target] + _counts[target];

    /// <summary>The weights of the source pixels from <see cref="Start"/> to <see cref="End"/>.</summary>
    public ReadOnlySpan<float> Weights(int target) => _weights.AsSpan(target * _stride, _counts[target]);

    private void Fill(int target, double center, double widening, double halfWidth, int sourceLength, ImageInterpolation interpolation)
    {
        var start = Math.Max(0, (int)Math.Floor(center - halfWidth + 0.5));
        var end = Math.Min(sourceLength, (int)Math.Floor(center + halfWidth + 0.5));
        var weights = _weights.AsSpan(target * _stride, end - start);
        var sum = 0.0;
        for (var i = 0; i < weights.Length; i++)
        {
            var distance = Math.Abs(start + i + 0.5 - center) / widening; // pixel centres lie at one half
            weights[i] = (float)(interpolation == ImageInterpolation.Bicubic ? Cubic(distance) : Math.Max(0, 1 - distance));
            sum += weights[i];
        }
        for (var i = 0; i < weights.Length; i++)
            weights[i] = (float)(weights[i] / sum);
        (_starts[target], _counts[target]) = (start, weights.Length);
    }

    // Keys 1981, equation (4), with a = -0.5.
    private static double Cubic(double distance)
    {
        const double A = -0.5;
        return distance < 1 ? ((A + 2) * distance - (A + 3)) * distance * distance + 1
            : distance < 2 ? (((distance - 5) * distance + 8) * distance - 4) * A
            : 0;
    }
}
