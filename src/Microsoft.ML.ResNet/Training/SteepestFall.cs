namespace Microsoft.ML.ResNet.Training;

/// <summary>
/// Suggests the rate at which the loss of a range test falls fastest: the middle of the decade of rates whose regression line, of the
/// losses on the logarithm of the rate, is the steepest. There a step gains most; at the lowest loss, further on, the rate is about to be
/// too high. A line through a decade neither sees the noise of batches nor lags behind, as a smoothed loss does.
/// </summary>
internal static class SteepestFall
{
    private const double HalfWindow = 0.5; // decades
    private const int FewestBeside = 2; // steps on each side, where steps are far apart
    private const double Certain = 4; // standard errors below a slope of 0: less may be noise

    /// <summary>Finds the rate; <see langword="null"/> where the loss does not fall for certain.</summary>
    /// <param name="points">Rates, rising by one factor, and losses.</param>
    public static double? Find(IReadOnlyList<(double Rate, double Loss)> points)
    {
        if (points.Count <= 2 * FewestBeside)
            return null;
        var beside = Math.Max(FewestBeside, (int)Math.Round(HalfWindow / Math.Log10(points[1].Rate / points[0].Rate)));
        var (steepest, rate) = (0.0, (double?)null);
        for (var middle = beside; middle < points.Count - beside; middle++)
        {
            var (slope, error) = Regression(points, middle - beside, middle + beside);
            if (slope < steepest && -slope > Certain * error)
                (steepest, rate) = (slope, points[middle].Rate);
        }
        return rate;
    }

    // The slope by least squares, in nats a decade, and its standard error.
    private static (double Slope, double Error) Regression(IReadOnlyList<(double Rate, double Loss)> points, int first, int last)
    {
        var count = last - first + 1;
        var (meanX, meanY) = (0.0, 0.0);
        for (var index = first; index <= last; index++)
            (meanX, meanY) = (meanX + Math.Log10(points[index].Rate) / count, meanY + points[index].Loss / count);
        var (xx, xy, yy) = (0.0, 0.0, 0.0);
        for (var index = first; index <= last; index++)
        {
            var (x, y) = (Math.Log10(points[index].Rate) - meanX, points[index].Loss - meanY);
            (xx, xy, yy) = (xx + x * x, xy + x * y, yy + y * y);
        }
        var slope = xy / xx;
        return (slope, Math.Sqrt(Math.Max(0, yy - slope * xy) / (count - 2) / xx));
    }
}
