namespace Microsoft.ML.ResNet.Augmentation;

/// <summary>The symmetric beta distribution on [0, 1].</summary>
internal static class BetaDistribution
{
    /// <summary>Draws from Beta(<paramref name="alpha"/>, <paramref name="alpha"/>): x / (x + y) of two gamma variables.</summary>
    /// <param name="alpha">
    /// The shape; above 0. Below 1 the ends are likelier than the middle, 1 is even, above 1 the middle is likelier.
    /// </param>
    /// <param name="random">Where the choices come from.</param>
    public static double Sample(double alpha, Random random)
    {
        // In logarithms: for small shapes both variables may be too small for a double.
        var (x, y) = (LogGamma(alpha, random), LogGamma(alpha, random));
        return 1 / (1 + Math.Exp(y - x));
    }

    /// <summary>Draws the logarithm of a gamma variable of scale 1: Gamma(shape) is Gamma(shape + 1) times U^(1 / shape).</summary>
    private static double LogGamma(double shape, Random random)
        => Math.Log(GammaOfAtLeast1(shape + 1, random)) + Math.Log(1 - random.NextDouble()) / shape; // 1 - U lies in (0, 1]

    /// <summary>
    /// Draws a gamma variable of scale 1 and a shape of at least 1 (Marsaglia, Tsang 2000, "A simple method for generating gamma
    /// variables").
    /// </summary>
    private static double GammaOfAtLeast1(double shape, Random random)
    {
        var d = shape - 1.0 / 3;
        var c = 1 / Math.Sqrt(9 * d);
        while (true)
        {
            var x = Normal(random);
            var v = Math.Pow(1 + c * x, 3);
            if (v > 0 && Math.Log(1 - random.NextDouble()) < x * x / 2 + d - d * v + d * Math.Log(v))
                return d * v;
        }
    }

    /// <summary>Draws from the standard normal distribution (Box, Muller 1958).</summary>
    private static double Normal(Random random)
        => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
