using Microsoft.ML.ResNet.Data;
using Microsoft.ML.ResNet.Tests.Support;

namespace Microsoft.ML.ResNet.Tests.Data;

/// <summary>How many rows a view promises is a hint: whatever comes is kept.</summary>
[TestClass]
public sealed class PixelStoreBuilderTests
{
    private static readonly ImageShape Shape = new(1, 2, 3);

    [TestMethod]
    [DataRow(null)]
    [DataRow(0L)]
    [DataRow(1L)]
    [DataRow(39L)]
    [DataRow(40L)]
    [DataRow(41L)]
    [DataRow(100_000L)]
    [DataRow(long.MaxValue)]
    public void Any_promise_of_rows_gives_the_same_store(long? expectedRows)
    {
        var census = TensorCensus.Start();
        using (var builder = new PixelStoreBuilder(Shape, memory: null, expectedRows, chunkBytes: 50))
        {
            for (var row = 0; row < 40; row++)
            {
                builder.NextImage.Fill((byte)row);
                builder.Add(row);
            }
            using var store = builder.Build();
            using var pixels = store.PixelsOf(0, store.Count);

            CollectionAssert.AreEqual(Enumerable.Range(0, 40).SelectMany(row => Enumerable.Repeat((byte)row, Shape.Size))
                .ToArray(), pixels.bytes.ToArray());
            CollectionAssert.AreEqual(Enumerable.Range(0, 40).Select(row => (long)row).ToArray(), store.Labels.data<long>().ToArray());
        }
        census.AssertNoSurvivors();
    }
}
