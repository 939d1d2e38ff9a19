namespace Microsoft.ML.ResNet.Training;

/// <summary>
/// Between which rates the loss of a range test is low: from the lowest at which it has made four fifths of its fall, up to where it has
/// risen again by a fifth of it. Below, a step gains less; above, it is on its way to the explosion. Between them a test of some hundred
/// steps cannot tell one rate from another: of a network on natural images, that is half a decade in which losses differ by less than
/// their noise, and trainings by five points of accuracy.
/// </summary>
internal static class UsefulRates
{
    private const double Part = 0.8; // of the fall
    private const double Beginning = 1, HalfWindow = 0.4; // decades
    private const int FewestBeside = 2; // steps on each side, where steps are far apart
    private const double Certain = 4; // standard errors: a smaller fall may be noise

    /// <summary>Finds the lowest and the highest; <see langword="null"/> where the loss does not fall for certain.</summary>
    /// <param name="points">Rates, rising by one factor, and losses.</param>
    public static (double Lowest, double Highest)? Find(IReadOnlyList<(double Rate, double Loss)> points)
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
        if (!(high - low > Certain * error && high > low))
            return null;
        var limit = high - Part * (high - low);
        var first = Array.FindIndex(means, mean => mean <= limit);
        var above = Array.FindIndex(means, Array.IndexOf(means, low), mean => mean > limit);
        return (points[first].Rate, points[above < 0 ? ^1 : above - 1].Rate);
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
