using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Images.Views;

namespace Microsoft.ML.ResNet.Tests.Images;

/// <summary>What a cursor over loaded images promises, on images from memory.</summary>
[TestClass]
public sealed class LabeledImageCursorTests
{
    private static readonly string[] Names = ["zero", "one", "two"];

    [TestMethod]
    public void Rows_come_in_order_with_their_ids()
    {
        using var cursor = Open(out var view, out _);
        var id = cursor.GetIdGetter();
        var rows = new List<(long, DataViewRowId)>();
        while (cursor.MoveNext())
        {
            DataViewRowId value = default;
            id(ref value);
            rows.Add((cursor.Position, value));
        }
        CollectionAssert.AreEqual(
            new[] { (0L, new DataViewRowId(0, 0)), (1L, new DataViewRowId(1, 0)), (2L, new DataViewRowId(2, 0)) }, rows);
        Assert.AreEqual(0, cursor.Batch);
        Assert.AreEqual(-1, cursor.Position);
        Assert.IsFalse(view.CanShuffle);
    }

    [TestMethod]
    public void Getters_throw_when_the_cursor_is_on_no_row()
    {
        using var cursor = Open(out var view, out _);
        var features = cursor.GetGetter<VBuffer<byte>>(view.Schema["Features"]);
        var label = cursor.GetGetter<ReadOnlyMemory<char>>(view.Schema["Label"]);
        var id = cursor.GetIdGetter();
        VBuffer<byte> pixels = default;
        ReadOnlyMemory<char> text = default;
        DataViewRowId row = default;

        AssertAllThrow();
        while (cursor.MoveNext())
            features(ref pixels);
        AssertAllThrow();

        void AssertAllThrow()
        {
            Assert.ThrowsExactly<InvalidOperationException>(() => features(ref pixels));
            Assert.ThrowsExactly<InvalidOperationException>(() => label(ref text));
            Assert.ThrowsExactly<InvalidOperationException>(() => id(ref row));
        }
    }

    [TestMethod]
    public void Values_are_copied_into_the_callers_memory()
    {
        using var cursor = Open(out var view, out _);
        var features = cursor.GetGetter<VBuffer<byte>>(view.Schema["Features"]);
        VBuffer<byte> first = default, second = default;

        cursor.MoveNext();
        features(ref first);
        cursor.MoveNext();
        features(ref second);
        CollectionAssert.AreEqual(new byte[] { 0, 0, 0 }, first.DenseValues()
            .ToArray(), "The first row's values changed with the second row.");

        var memory = second;
        cursor.MoveNext();
        features(ref second);
        CollectionAssert.AreEqual(new byte[] { 2, 2, 2 }, second.DenseValues().ToArray());
        CollectionAssert.AreEqual(new byte[] { 2, 2, 2 }, memory.DenseValues().ToArray(), "The caller's memory was not used again.");
    }

    [TestMethod]
    public void Only_columns_that_were_asked_for_can_be_read()
    {
        using var cursor = Open(out var view, out var images, "Label");

        Assert.IsTrue(cursor.IsColumnActive(view.Schema["Label"]));
        Assert.IsFalse(cursor.IsColumnActive(view.Schema["Features"]));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => cursor.GetGetter<VBuffer<byte>>(view.Schema["Features"]));
        cursor.MoveNext();
        Assert.IsFalse(images.PixelsWereWanted);
    }

    [TestMethod]
    public void A_getter_of_the_wrong_type_names_both_types()
    {
        using var cursor = Open(out var view, out _);

        var exception = Assert.ThrowsExactly<InvalidOperationException>(() => cursor.GetGetter<VBuffer<float>>(view.Schema["Features"]));
        StringAssert.Contains(exception.Message, "Byte", StringComparison.Ordinal);
        StringAssert.Contains(exception.Message, "Single", StringComparison.Ordinal);
    }

    [TestMethod]
    public void Nothing_is_read_until_the_cursor_moves_and_disposing_closes_the_pass()
    {
        var cursor = Open(out _, out var images);
        Assert.AreEqual(0, images.Opened);

        cursor.MoveNext();
        Assert.AreEqual(1, images.Opened);
        Assert.AreEqual(0, images.Closed);

        cursor.Dispose();
        cursor.Dispose();
        Assert.AreEqual(1, images.Closed);
        Assert.IsFalse(cursor.MoveNext());
    }

    [TestMethod]
    public void Two_cursors_run_independently()
    {
        using var one = Open(out var view, out _);
        using var two = view.GetRowCursorSet(view.Schema, 4).Single();
        var oneLabel = one.GetGetter<ReadOnlyMemory<char>>(view.Schema["Label"]);
        var twoLabel = two.GetGetter<ReadOnlyMemory<char>>(view.Schema["Label"]);
        ReadOnlyMemory<char> text = default;

        one.MoveNext();
        one.MoveNext();
        two.MoveNext();
        oneLabel(ref text);
        Assert.AreEqual("one", text.ToString());
        twoLabel(ref text);
        Assert.AreEqual("zero", text.ToString());
    }

    [TestMethod]
    public void Ml_net_reads_the_rows_as_a_class()
    {
        var view = new LabeledImageView(new MemoryImages());

        var rows = new MLContext().Data.CreateEnumerable<Row>(view, reuseRowObject: false).ToList();

        CollectionAssert.AreEqual(Names, rows.ConvertAll(row => row.Label));
        CollectionAssert.AreEqual(new byte[] { 1, 1, 1 }, rows[1].Features);
    }

    private static DataViewRowCursor Open(out LabeledImageView view, out MemoryImages images, params string[] columns)
    {
        images = new MemoryImages();
        view = new LabeledImageView(images);
        var schema = view.Schema;
        return view.GetRowCursor(columns.Length == 0 ? schema : columns.Select(name => schema[name]));
    }

    private sealed class Row
    {
        [VectorType(3, 1, 1)]
        public byte[]? Features { get; set; }

        public string? Label { get; set; }
    }

    /// <summary>Three images of one pixel, in one reused buffer as the real readers have.</summary>
    private sealed class MemoryImages : ILabeledImages
    {
        public ImageShape? Shape => new(3, 1, 1);

        public ImageGeometry? Geometry => null;

        public long? Count => Names.Length;

        public int Opened { get; private set; }

        public int Closed { get; private set; }

        public bool PixelsWereWanted { get; private set; }

        public IEnumerable<LabeledImage> Read(bool withBytes, RowsWanted? wanted = null)
        {
            Opened++;
            PixelsWereWanted |= withBytes;
            var buffer = new byte[3];
            try
            {
                for (var i = 0; i < Names.Length; i++)
                {
                    buffer.AsSpan().Fill((byte)i);
                    yield return new(Names[i].AsMemory(), buffer);
                }
            }
            finally
            {
                Closed++;
            }
        }
    }
}
