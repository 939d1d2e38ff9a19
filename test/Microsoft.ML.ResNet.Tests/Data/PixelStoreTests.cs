using FsCheck;
using FsCheck.Fluent;
using Microsoft.ML.ResNet.Data;
using Microsoft.ML.ResNet.Tests.Support;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Tests.Data;

/// <summary>Every kind of store gives the rows that went in; the oracle is an array of them.</summary>
[TestClass]
public sealed class PixelStoreTests
{
    private static readonly ImageShape Shape = new(2, 3, 5);

    private readonly string _folder = Path.Combine(TestAssembly.TemporaryFolder, $"pixels-{Guid.NewGuid():n}");

    [TestInitialize]
    public void MakeFolder()
    {
        ResNetRuntime.EnsureStarted();
        Directory.CreateDirectory(_folder);
    }

    [TestMethod]
    public void Any_budget_and_any_chunk_give_the_rows_that_went_in()
        => Check.QuickThrowOnFailure(
            Prop.ForAll(ArbMap.Default.ArbFor<PositiveInt>(), ArbMap.Default.ArbFor<NonNegativeInt>(), ArbMap.Default.ArbFor<PositiveInt>(),
            (rows, budget, chunk) =>
        {
            var images = Draw(rows.Get);
            using var store = Build(images, new ImageMemory(budget.Get * 20L, _folder), chunk.Get * 10);
            AssertHolds(images, store);
            return store.Count == images.Length && store.BytesInMemory is null == (images.Length * Shape.Size > budget.Get * 20);
        }));

    [TestMethod]
    [DataRow(0)]
    [DataRow(long.MaxValue)]
    public void A_subset_gives_its_rows_and_shares_the_pixels(long budget)
    {
        var images = Draw(40);
        using var store = Build(images, new ImageMemory(budget, _folder));
        long[] rows = [3, 39, 0, 17, 17, 20];
        using var subset = store.Subset(rows);

        AssertHolds([.. rows.Select(row => images[row])], subset);
        Assert.AreEqual(store.BytesInMemory is null ? null : 6L * Shape.Size, subset.BytesInMemory);
        using var subsetOfSubset = subset.Subset([5, 0]);
        AssertHolds([images[20], images[3]], subsetOfSubset);
    }

    [TestMethod]
    [DataRow(0)]
    [DataRow(long.MaxValue)]
    public void Images_that_stay_on_the_host_come_batch_by_batch(long budget)
    {
        var images = Draw(40);
        using var store = Build(images, new ImageMemory(budget, _folder));
        using var hosted = new HostedPixelStore(store, CPU);
        AssertHolds(images, hosted);
        using (var view = store.To(CPU))
            AssertHolds(images, view);
        AssertHolds(images, store); // the view owned nothing of it
    }

    [TestMethod]
    [DataRow(0)]
    [DataRow(long.MaxValue)]
    public void Reading_ahead_changes_neither_the_order_nor_a_batch(long budget)
    {
        var images = Draw(50);
        using var store = Build(images, new ImageMemory(budget, _folder));
        using var subset = store.Subset([.. Enumerable.Range(0, 50).Select(row => 49L - row)]);
        ArraySegment<long>[] order = [.. BatchOrder.Shuffled(50, 8, seed: 1, epoch: 0)];

        var seen = new List<ArraySegment<long>>();
        foreach (var rows in subset.ReadAhead(order))
        {
            seen.Add(rows);
            AssertSame([.. rows.Select(row => images[49 - row])], () => subset.Take(rows));
            AssertSame([images[49], images[40]], () => subset.Take(new long[] { 0, 9 })); // not what was announced
        }
        CollectionAssert.AreEqual(order, seen);
    }

    [TestMethod]
    public void Reading_ahead_stops_with_its_consumer_and_may_start_again()
    {
        var images = Draw(50);
        using var store = Build(images, new ImageMemory(0, _folder));
        ArraySegment<long>[] order = [.. BatchOrder.Shuffled(50, 8, seed: 1, epoch: 0)];

        for (var count = 0; count <= order.Length; count++)
            foreach (var rows in store.ReadAhead(order).Take(count))
                AssertSame([.. rows.Select(row => images[row])], () => store.Take(rows));
        AssertSame([images[order[0][0]]], () => store.Take(order[0][..1])); // nothing is left of what was read before
    }

    [TestMethod]
    public void Nothing_survives_a_store_and_no_file()
    {
        var census = TensorCensus.Start();
        using (var store = Build(Draw(30), new ImageMemory(0, _folder), chunkBytes: 100))
        {
            foreach (var rows in store.ReadAhead(BatchOrder.Shuffled(30, 7, seed: 1, epoch: 0)))
            {
                using var scope = NewDisposeScope();
                store.Take(rows);
                store.Slice(3, 4);
            }
            using var subset = store.Subset([1, 2, 3]);
        }
        census.AssertNoSurvivors();
        Assert.IsEmpty(Directory.GetFiles(_folder));
    }

    [TestMethod]
    public void A_builder_that_is_given_up_leaves_neither_tensors_nor_a_file()
    {
        var census = TensorCensus.Start();
        using (var builder = new PixelStoreBuilder(Shape, new ImageMemory(0, _folder), chunkBytes: 60))
            for (var row = 0; row < 5; row++)
                builder.Add(0);
        census.AssertNoSurvivors();
        Assert.IsEmpty(Directory.GetFiles(_folder));
    }

    private static PixelStore Build(Row[] images, ImageMemory memory, int chunkBytes = 1000)
    {
        using var builder = new PixelStoreBuilder(Shape, memory, images.Length, chunkBytes);
        foreach (var image in images)
        {
            image.Pixels.CopyTo(builder.NextImage);
            builder.Add(image.Label, image.Weight);
        }
        return builder.Build();
    }

    private static void AssertHolds(Row[] expected, PixelStore store)
    {
        Assert.AreEqual(expected.Length, store.Count);
        AssertSame(expected, () => store.Slice(0, store.Count));
        AssertSame(expected[(expected.Length / 2)..], () => store.Slice(expected.Length / 2, expected.Length - expected.Length / 2));
        long[] rows = [.. Enumerable.Range(0, expected.Length).Select(row => (long)row).Reverse(), 0];
        AssertSame([.. rows.Select(row => expected[row])], () => store.Take(rows));
    }

    private static void AssertSame(Row[] expected, Func<PixelBatch> take)
    {
        using var scope = NewDisposeScope();
        var batch = take();
        CollectionAssert.AreEqual(new[] { expected.Length, Shape.Channels, Shape.Height, (long)Shape.Width }, batch.Pixels.shape);
        CollectionAssert.AreEqual(expected.SelectMany(row => row.Pixels).ToArray(), batch.Pixels.bytes.ToArray());
        CollectionAssert.AreEqual(expected.Select(row => (long)row.Label).ToArray(), batch.Labels.data<long>().ToArray());
        var relative = batch.Weights!.data<float>().ToArray();
        for (var row = 1; row < expected.Length; row++)
            Assert.AreEqual(expected[row].Weight / expected[0].Weight, relative[row] / relative[0], 1e-5);
    }

    private static Row[] Draw(int count)
    {
        var random = new Random(count);
        return [.. Enumerable.Range(0, count).Select(row =>
        {
            var pixels = new byte[Shape.Size];
            random.NextBytes(pixels);
            return new Row(pixels, random.Next(9), 0.5f + random.NextSingle());
        })];
    }

    private sealed record Row(byte[] Pixels, int Label, float Weight);
}
