namespace Microsoft.ML.ResNet.Images;

/// <summary>For one direction of a resize: which source pixels make up each target pixel, and with which weights (they sum to 1).</summary>
internal sealed class FilterTaps
{
    private readonly int[] _starts;
    private readonly int[] _counts;
    private readonly float[] _weights;
    private readonly int _stride;

    /// <summary>The taps of a triangle filter; its half width is one source pixel, or one target pixel where that is wider.</summary>
    /// <param name="sourceLength">Source pixels in this direction, at least 1.</param>
    /// <param name="targetLength">Target pixels in this direction, at least 1.</param>
    public FilterTaps(int sourceLength, int targetLength)
    {
        var scale = (double)sourceLength / targetLength;
        var halfWidth = Math.Max(scale, 1);
        _stride = (int)Math.Ceiling(halfWidth) * 2 + 1;
        _starts = new int[targetLength];
        _counts = new int[targetLength];
        _weights = new float[targetLength * _stride];
        for (var target = 0; target < targetLength; target++)
            Fill(target, (target + 0.5) * scale, halfWidth, sourceLength);
    }

    /// <summary>The first source pixel of a target pixel.</summary>
    public int Start(int target) => _starts[target];

    /// <summary>One past the last source pixel of a target pixel.</summary>
    public int End(int target) => _starts[target] + _counts[target];

    /// <summary>The weights of the source pixels from <see cref="Start"/> to <see cref="End"/>.</summary>
    public ReadOnlySpan<float> Weights(int target) => _weights.AsSpan(target * _stride, _counts[target]);

    private void Fill(int target, double center, double halfWidth, int sourceLength)
    {
        var start = Math.Max(0, (int)Math.Floor(center - halfWidth + 0.5));
        var end = Math.Min(sourceLength, (int)Math.Floor(center + halfWidth + 0.5));
        var weights = _weights.AsSpan(target * _stride, end - start);
        var sum = 0.0;
        for (var i = 0; i < weights.Length; i++)
        {
            var distance = Math.Abs(start + i + 0.5 - center) / halfWidth; // pixel centres lie at one half
            weights[i] = (float)Math.Max(0, 1 - distance);
            sum += weights[i];
        }
        for (var i = 0; i < weights.Length; i++)
            weights[i] = (float)(weights[i] / sum);
        (_starts[target], _counts[target]) = (start, weights.Length);
    }
}
