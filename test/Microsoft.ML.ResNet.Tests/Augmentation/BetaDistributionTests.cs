using Microsoft.ML.ResNet.Augmentation;

namespace Microsoft.ML.ResNet.Tests.Augmentation;

[TestClass]
public class BetaDistributionTests
{
    private const int Draws = 20_000;

    [TestMethod]
    [DataRow(0.05)]
    [DataRow(0.2)]
    [DataRow(0.5)]
    [DataRow(1.0)]
    [DataRow(3.0)]
    [DataRow(40.0)]
    public void Mean_and_variance_are_those_of_the_distribution(double alpha)
    {
        var values = Sample(alpha);
        var variance = 1 / (4 * (2 * alpha + 1));

        Assert.AreEqual(0.5, values.Average(), 5 * Math.Sqrt(variance / Draws));
        Assert.AreEqual(variance, values.Average(value => Math.Pow(value - 0.5, 2)), 0.05 * variance);
    }

    [TestMethod]
    public void One_is_the_even_distribution_and_a_half_the_arcsine_distribution()
    {
        AssertDistribution(1, x => x);
        AssertDistribution(0.5, x => 2 / Math.PI * Math.Asin(Math.Sqrt(x)));
        AssertDistribution(2, x => x * x * (3 - 2 * x));
    }

    [TestMethod]
    [DataRow(1e-300)]
    [DataRow(1e-6)]
    [DataRow(1e6)]
    public void Extreme_shapes_give_numbers_from_0_to_1(double alpha)
    {
        var values = Sample(alpha);

        Assert.IsTrue(values.All(value => value is >= 0 and <= 1));
        if (alpha < 1)
            Assert.IsInRange(Draws * 0.47, Draws * 0.53, values.Count(value => value < 0.5), "nearly all lie at the ends, half at each");
    }

    private static double[] Sample(double alpha)
    {
        var random = new Random(7);
        return [.. Enumerable.Range(0, Draws).Select(_ => BetaDistribution.Sample(alpha, random))];
    }

    // Kolmogorov and Smirnov: the largest distance of the two distribution functions exceeds 1.95 / sqrt(n) once in a thousand times.
    private static void AssertDistribution(double alpha, Func<double, double> cumulative)
    {
        var distance = Sample(alpha).Order().Select((value, i) => Math.Abs(cumulative(value) - (i + 0.5) / Draws)).Max();

        Assert.IsLessThan(1.95 / Math.Sqrt(Draws), distance, $"alpha {alpha}");
    }
}
