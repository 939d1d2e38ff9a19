using FsCheck;
using FsCheck.Fluent;
using Microsoft.ML.ResNet.Data;

namespace Microsoft.ML.ResNet.Tests.Data;

[TestClass]
public class BatchOrderTests
{
    [TestMethod]
    public void Every_row_comes_once_an_epoch_in_batches_of_the_right_size()
        => Check.QuickThrowOnFailure(Prop.ForAll(
            ArbMap.Default.ArbFor<PositiveInt>(), ArbMap.Default.ArbFor<PositiveInt>(), ArbMap.Default.ArbFor<int>(),
            (rows, size, seed) =>
            {
                var batchSize = size.Get + 1;
                var batches = BatchOrder.Shuffled(rows.Get, batchSize, seed, epoch: 3).Select(batch => batch.ToArray()).ToList();
                return batches.SelectMany(batch => batch).Order().SequenceEqual(Enumerable.Range(0, rows.Get).Select(row => (long)row))
                    && batches.Count == BatchOrder.Count(rows.Get, batchSize)
                    && batches.SkipLast(1).All(batch => batch.Length == batchSize)
                    && batches[^1].Length <= batchSize + 1
                    && (rows.Get == 1 || batches[^1].Length > 1);
            }));

    [TestMethod]
    public void The_order_changes_with_the_epoch_and_the_seed_and_nothing_else()
    {
        CollectionAssert.AreEqual(Order(seed: 1, epoch: 0), Order(seed: 1, epoch: 0));
        CollectionAssert.AreNotEqual(Order(seed: 1, epoch: 0), Order(seed: 1, epoch: 1));
        CollectionAssert.AreNotEqual(Order(seed: 1, epoch: 0), Order(seed: 2, epoch: 0));
    }

    private static long[] Order(int seed, int epoch) => [.. BatchOrder.Shuffled(1000, 128, seed, epoch).SelectMany(batch => batch)];
}
