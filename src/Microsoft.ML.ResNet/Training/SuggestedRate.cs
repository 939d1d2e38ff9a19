namespace Microsoft.ML.ResNet.Training;

/// <summary>
/// Suggests the lowest rate at which the loss of a range test has made four fifths of its fall. Below it a step gains less; above it little
/// more is to be gained, and the rate is on its way to where the loss explodes. A head alone has its steepest fall a decade before that,
/// and its lowest loss a decade behind, at the end of a long flat: neither would do for it and for a whole network.
/// </summary>
internal static class SuggestedRate
{
    private const double Part = 0.8;
    private const double Beginning = 1, HalfWindow = 0.4; // decades
    private const int FewestBeside = 2; // steps on each side, where steps are far apart
    private const double Certain = 4; // standard errors: a smaller fall may be noise

    /// <summary>Finds the rate; <see langword="null"/> where the loss does not fall for certain.</summary>
    /// <param name="points">Rates, rising by one factor, and losses.</param>
    public static double? Find(IReadOnlyList<(double Rate, double Loss)> points)
    {
        if (points.Count <= 2 * FewestBeside)
            return null;
        var perDecade = 1 / Math.Log10(points[1].Rate / points[0].Rate);
        var beside = Math.Max(FewestBeside, (int)Math.Round(HalfWindow * perDecade));
        var losses = points.Select(point => point.Loss).ToArray();
        var beginning = losses.AsSpan(0, Math.Clamp((int)Math.Round(Beginning * perDecade), 2 * FewestBeside, losses.Length));

        // Means over the steps around each: they do not lag behind, as a mean over the steps before it does.
        var means = losses
            .Select((_, step) => Mean(losses.AsSpan()[Math.Max(0, step - beside)..Math.Min(losses.Length, step + beside + 1)])).ToArray();
        var (high, low) = (Mean(beginning), means.Min());
        var error = Deviation(beginning, high) * Math.Sqrt(1.0 / beginning.Length + 1.0 / (2 * beside + 1));
        return high - low > Certain * error && high > low
            ? points[Array.FindIndex(means, mean => mean <= high - Part * (high - low))].Rate
            : null;
    }

    private static double Mean(ReadOnlySpan<double> values)
    {
        var sum = 0.0;
        foreach (var value in values)
            sum += value;
        return sum / values.Length;
    }

    private static double Deviation(ReadOnlySpan<double> values, double mean)
    {
        var squares = 0.0;
        foreach (var value in values)
            squares += (value - mean) * (value - mean);
        return Math.Sqrt(squares / (values.Length - 1));
    }
}
