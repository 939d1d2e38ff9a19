using FsCheck;
using FsCheck.Fluent;
using Microsoft.ML.ResNet.Data;

namespace Microsoft.ML.ResNet.Tests.Data;

[TestClass]
public class StratifiedRowsTests
{
    [TestMethod]
    public void Every_row_is_on_one_side_and_every_class_gives_its_part()
        => Check.QuickThrowOnFailure(Prop.ForAll(
            ArbMap.Default.ArbFor<byte[]>(), ArbMap.Default.ArbFor<byte>(), ArbMap.Default.ArbFor<int>(),
            (classes, percent, seed) =>
            {
                var labels = classes.Select(value => (long)(value % 4)).ToArray();
                var fraction = (percent + 1) / 257.0;
                var (train, held) = StratifiedRows.Split(labels, fraction, seed);
                return train.Concat(held).Order().SequenceEqual(Enumerable.Range(0, labels.Length).Select(row => (long)row))
                    && train.SequenceEqual(train.Order()) && held.SequenceEqual(held.Order())
                    && labels.GroupBy(label => label)
                        .All(rows => held.Count(row => labels[row] == rows.Key) == Expected(rows.Count(), fraction));
            }));

    [TestMethod]
    [DataRow(1, 0.9, 0)] // a class is never lost
    [DataRow(2, 0.01, 1)]
    [DataRow(2, 0.99, 1)]
    [DataRow(10, 0.25, 3)] // 2.5 rounds up
    [DataRow(100, 0.1, 10)]
    [DataRow(100, 0.999, 99)]
    public void A_class_of_so_many_rows_gives_so_many(int rows, double fraction, int expected)
        => Assert.HasCount(expected, StratifiedRows.Split(new long[rows], fraction, seed: 1).Held);

    [TestMethod]
    public void Seed_decides_which_rows_and_other_classes_do_not_matter()
    {
        var alternating = Enumerable.Range(0, 100).Select(row => row % 2L).ToArray();
        var others = Enumerable.Range(0, 100).Select(row => row % 2 == 0 ? 0L : 1 + row % 3).ToArray();

        CollectionAssert.AreEqual(Held(alternating, seed: 1), Held(alternating, seed: 1));
        CollectionAssert.AreNotEqual(Held(alternating, seed: 1), Held(alternating, seed: 2));
        CollectionAssert.AreEqual(Held(alternating, seed: 1).Where(row => row % 2 == 0).ToArray(), Held(others, seed: 1)
            .Where(row => row % 2 == 0).ToArray());
    }

    private static long[] Held(long[] labels, int seed) => StratifiedRows.Split(labels, 0.2, seed).Held;

    // Restated: round half up, at least 1, one less than all at most.
    private static int Expected(int rows, double fraction)
        => rows == 1 ? 0 : Math.Min(rows - 1, Math.Max(1, (int)Math.Floor(rows * fraction + 0.5)));
}
