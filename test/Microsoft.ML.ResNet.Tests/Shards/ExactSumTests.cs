using Samples.Measuring;

namespace Microsoft.ML.ResNet.Tests.Shards;

/// <summary>Sums that do not depend on how their numbers are grouped.</summary>
[TestClass]
public class ExactSumTests
{
    private const double Two53 = 9007199254740992;

    [TestMethod]
    [DataRow(1.0, 1e308, 1, -1e308)]
    [DataRow(1.0, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, DisplayName = "ten tenths, as Python's fsum has them")]
    [DataRow(Two53, Two53, 1, DisplayName = "a tie goes to the even one")]
    [DataRow(Two53 + 2, Two53, 1, double.Epsilon, DisplayName = "hardly more than a tie goes up")]
    [DataRow(Two53 + 4, Two53, 3, DisplayName = "a tie between others goes to the even one, too")]
    [DataRow(3 * double.Epsilon, double.Epsilon, double.Epsilon, double.Epsilon)]
    [DataRow(-2.5, 0.5, -3)]
    [DataRow(0.0, 1, -1)]
    [DataRow(double.MaxValue, double.MaxValue, double.MaxValue, -double.MaxValue)]
    public void A_sum_is_rounded_once(double expected, params double[] values)
    {
        Assert.AreEqual(expected, SumOf(values).Value);
        Assert.AreEqual(expected, SumOf(values.Reverse()).Value);
    }

    [TestMethod]
    public void Order_and_groups_do_not_matter_and_nothing_is_lost_in_text()
    {
        var random = new Random(1);
        var values = Enumerable.Range(0, 1000).Select(_ => Math.ScaleB(random.NextDouble() - 0.5, random.Next(-40, 40))).ToArray();
        var whole = SumOf(values);
        Assert.AreNotEqual(values.Sum(), values.Reverse().Sum(), "these numbers would not show that order matters");

        foreach (var groups in new[] { 2, 3, 7, 16 })
        {
            random.Shuffle(values);
            var sum = new ExactSum();
            foreach (var group in values.Chunk(values.Length / groups))
                sum.Add(ExactSum.Parse(SumOf(group).ToString()));
            Assert.AreEqual(whole.ToString(), sum.ToString());
            Assert.AreEqual(BitConverter.DoubleToInt64Bits(whole.Value), BitConverter.DoubleToInt64Bits(sum.Value));
        }
    }

    [TestMethod]
    [DataRow("0p0", 0.0)]
    [DataRow("3p-2", 0.75)]
    [DataRow("-ap1", -20.0)]
    [DataRow("1p-1074", double.Epsilon)]
    public void Text_is_a_number_times_a_power_of_two(string text, double value)
    {
        Assert.AreEqual(value, ExactSum.Parse(text).Value);
        Assert.AreEqual(value, ExactSum.Parse(SumOf([value]).ToString()).Value);
    }

    [TestMethod]
    [DataRow("")]
    [DataRow("p")]
    [DataRow("-p3")]
    [DataRow("3")]
    [DataRow("gp1")]
    [DataRow("3p")]
    [DataRow("3p-1075")]
    [DataRow("3p1000000000")]
    [DataRow("--3p1")]
    [DataRow(" 3p1")]
    public void Other_text_is_an_error(string text) => Assert.ThrowsExactly<FormatException>(() => ExactSum.Parse(text));

    [TestMethod]
    [DataRow(double.NaN)]
    [DataRow(double.NegativeInfinity)]
    public void Only_finite_numbers_are_added(double value)
        => Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new ExactSum().Add(value));

    [TestMethod]
    public void A_text_that_would_take_much_memory_is_an_error()
        => Assert.ThrowsExactly<FormatException>(() => ExactSum.Parse(new string('f', 1_000_000) + "p1"));

    private static ExactSum SumOf(IEnumerable<double> values)
    {
        var sum = new ExactSum();
        foreach (var value in values)
            sum.Add(value);
        return sum;
    }
}
