using System.Numerics;

namespace Microsoft.ML.ResNet.Images.Columns;

/// <summary>What the values of one or more images tell about the range that they were made in.</summary>
/// <param name="Least">The least value.</param>
/// <param name="Most">The greatest value.</param>
/// <param name="HasFractions">Whether a value is no whole number, but for rounding errors.</param>
internal readonly record struct PixelValues(float Least, float Most, bool HasFractions)
{
    private const float RoundingError = 1e-3f;
    private const float Dark = 8; // of 255; images with a brighter value are no longer taken for images of another range

    /// <summary>Measures an image.</summary>
    /// <param name="values">Its values; without those that are 0 if they are not all there.</param>
    /// <param name="areAll">Whether all values are there.</param>
    /// <returns>What they tell, or <see langword="null"/> where a value is infinite or not a number.</returns>
    public static PixelValues? Of(ReadOnlySpan<float> values, bool areAll)
    {
        var start = areAll && values.Length > 0 ? values[0] : 0;
        var (least, most, part, trouble) =
            (new Vector<float>(start), new Vector<float>(start), Vector<float>.Zero, new Vector<float>(start - start));
        for (; values.Length >= Vector<float>.Count; values = values[Vector<float>.Count..])
        {
            var value = new Vector<float>(values);
            least = Vector.Min(least, value);
            most = Vector.Max(most, value);
            part = Vector.Max(part, Vector.Abs(value - Vector.Round(value)));
            trouble += value - value; // 0, or not a number for an infinite value too
        }
        var (low, high, fraction, bad) = (start, start, 0f, Vector.Sum(trouble));
        for (var i = 0; i < Vector<float>.Count; i++)
            (low, high, fraction) = (Math.Min(low, least[i]), Math.Max(high, most[i]), Math.Max(fraction, part[i]));
        foreach (var value in values)
            (low, high, fraction, bad) = (Math.Min(low, value), Math.Max(high, value),
                Math.Max(fraction, Math.Abs(value - MathF.Round(value))), bad + (value - value));
        return bad == 0 ? new(low, high, fraction > RoundingError) : null;
    }

    /// <summary>Whether these are plainly pixels from 0 to 255, so that no further images need to be looked at.</summary>
    public bool ArePlainlyBytes => Least >= 0 && Most > (HasFractions ? Dark : 1) && Fits(PixelRange.Bytes);

    /// <summary>Counts another image in.</summary>
    public PixelValues With(PixelValues other)
        => new(Math.Min(Least, other.Least), Math.Max(Most, other.Most), HasFractions || other.HasFractions);

    /// <summary>
    /// Whether the values can have been made in a range: none lies outside by more than an eighth of it, which filters overshoot, and they
    /// are not all fractions near 0 of a range that has 255 whole numbers and ends at 0.
    /// </summary>
    public bool Fits(PixelRange range)
    {
        var (low, high) = (Math.Min(range.Black, range.Full), Math.Max(range.Black, range.Full));
        var margin = (high - low) / 8;
        var zeroIsAnEnd = Math.Abs(low) <= 1 || Math.Abs(high) <= 1; // elsewhere, values around 0 are grey
        return Least >= low - margin && Most <= high + margin
            && !(HasFractions && high - low > Dark && zeroIsAnEnd && Least >= -1 && Most <= 1);
    }

    /// <summary>The range that the values were made in.</summary>
    /// <returns>The range, or <see langword="null"/> where they do not tell.</returns>
    public PixelRange? Recognize()
    {
        if (ArePlainlyBytes || (Least, Most) == (0, 0))
            return PixelRange.Bytes;
        if (Least >= 0 && Most <= 1)
            return PixelRange.ZeroToOne; // nothing but 0 and 1 too: black and white
        return Least >= -1 && Most <= 1 && (HasFractions || Most > 0) ? PixelRange.MinusOneToOne : null;
    }

    /// <summary>The values as <c>0 to 1</c>.</summary>
    public override string ToString() => FormattableString.Invariant($"{Least} to {Most}");
}
