namespace Microsoft.ML.ResNet.Reports.Report;

/// <summary>
/// Where a proportion lies with 95 % confidence, by Wilson's score interval (1927), which holds for few trials and near 0 and 1 too.
/// </summary>
/// <param name="Low">The lower end.</param>
/// <param name="High">The upper end.</param>
internal readonly record struct WilsonInterval(double Low, double High)
{
    private const double Z = 1.959963984540054; // the normal distribution's 97.5 % quantile

    /// <summary>The interval of some successes among some trials; all of 0 to 1 without a trial.</summary>
    public static WilsonInterval Of(long successes, long trials)
    {
        if (trials == 0)
            return new(0, 1);
        var part = (double)successes / trials;
        var shrink = 1 + Z * Z / trials;
        var middle = (part + Z * Z / (2 * trials)) / shrink;
        var reach = Z * Math.Sqrt(part * (1 - part) / trials + Z * Z / (4.0 * trials * trials)) / shrink;
        return new(successes == 0 ? 0 : Math.Max(0, middle - reach), successes == trials ? 1 : Math.Min(1, middle + reach));
    }
}
