using System.Globalization;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Data;
using Microsoft.ML.ResNet.Tests.Images;
using Microsoft.ML.ResNet.Tests.Support;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.ResNet.Tests.Distributed;

/// <summary>Each of several processes decodes and keeps its part of the images. Here they are threads.</summary>
[TestClass]
public class SharedReadingTests
{
    private const int Rows = 122, Size = 4, Side = 12;

    private static readonly byte[] Garbage = [1, 2, 3];

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void A_rank_decodes_no_picture_of_another(bool isZipped)
    {
        var alone = Alone(data => data.LoadFromImageFolder(Folder(isBroken: _ => false), Sized()));

        var shared = ThreadGroup.Run(Size, group =>
        {
            bool IsOthers(int row) => row % Size != group.Rank;
            var path = isZipped
                ? ImageSamples.NewFile("others.zip", ImageSamples.Zip(Files(IsOthers)))
                : Folder(IsOthers);
            return Read(group, data => data.LoadFromImageFolder(path, Sized()));
        });

        foreach (var (rank, read) in shared.Index())
        {
            Assert.AreEqual("", read.LeftOut);
            CollectionAssert.AreEqual(alone.Pixels, read.Pixels, $"rank {rank}");
            Assert.AreEqual(alone.Normalization, read.Normalization);
            Assert.IsLessThanOrEqualTo((Rows / Size + 1) * 3L * Side * Side, read.BytesInMemory, $"rank {rank}");
        }
        Assert.AreEqual(alone.BytesInMemory, shared.Sum(read => read.BytesInMemory));
    }

    [TestMethod]
    public void A_rank_takes_no_pixels_of_another_out_of_CIFAR_files()
    {
        var labels = Enumerable.Range(0, Rows).Select(row => (byte)(row % 10));
        var file = ImageSamples.NewFile("data.bin", ImageSamples.Cifar10(1, [.. labels]));
        var alone = Alone(data => data.LoadFromCifarBinary(file));

        var shared = ThreadGroup.Run(Size, group =>
        {
            var taken = new List<long>();
            var read = Read(group, data => new WatchedView(data.LoadFromCifarBinary(file), taken.Add));
            CollectionAssert.AreEqual(Enumerable.Range(0, Rows).Where(row => row % Size == group.Rank).Select(row => (long)row).ToArray(),
                taken, $"rank {group.Rank}");
            return read;
        });

        foreach (var read in shared)
        {
            CollectionAssert.AreEqual(alone.Pixels, read.Pixels);
            Assert.IsLessThanOrEqualTo((Rows / Size + 1) * (long)ImageSamples.CifarPixels, read.BytesInMemory);
        }
    }

    [TestMethod]
    [DataRow("skipped", false)]
    [DataRow("filtered", false)]
    [DataRow("cached", false)]
    [DataRow("as they are", true)]
    [DataRow("skipped", true)]
    [DataRow("filtered", true)]
    [DataRow("cached", true)]
    [DataRow("split", true)]
    public void Rows_that_have_other_numbers_behind_a_transform_are_the_same_images(string how, bool someCannotBeRead)
    {
        var folder = Folder(row => someCannotBeRead && row is 5 or 70);
        var behavior = someCannotBeRead ? UnreadableImageBehavior.Skip : UnreadableImageBehavior.Throw;
        var options = Sized() with { UnreadableImageBehavior = behavior };
        var alone = Alone(Load);

        foreach (var read in ThreadGroup.Run(Size, group => Read(group, Load)))
        {
            CollectionAssert.AreEqual(alone.Pixels, read.Pixels);
            Assert.AreEqual("", read.LeftOut);
        }

        IDataView Load(DataOperationsCatalog data)
        {
            var images = data.LoadFromImageFolder(folder, options);
            return how switch
            {
                "skipped" => data.SkipRows(images, 7),
                "as they are" => images,
                "split" => data.TrainTestSplit(images, testFraction: 0.3, seed: 1).TrainSet,
                "filtered" => data.FilterByCustomPredicate<Named>(images, row => row.Label != "b"), // true leaves a row out
                _ => data.Cache(images),
            };
        }
    }

    [TestMethod]
    public void A_picture_that_one_rank_cannot_read_stops_all()
    {
        var folder = Folder(row => row == 5);

        foreach (var (_, failure) in ThreadGroup.RunAll(Size, group => Read(group, data => data.LoadFromImageFolder(folder, Sized()))))
            Assert.Contains(Path.Combine("a", "005.png"), failure!.Message);
    }

    [TestMethod]
    public void A_rank_whose_temporary_file_finds_no_room_stops_all_and_is_named()
    {
        using var disk = SmallDisk.Mount(ImageSamples.NewFolder(), kibibytes: 4);
        var folder = Folder(isBroken: _ => false);

        var ends = ThreadGroup.RunAll(Size, group => Read(group, data => data.LoadFromImageFolder(folder, Sized()),
            new ImageMemory(0, group.Rank == 2 ? disk.Path : Path.GetTempPath())));

        Assert.IsInstanceOfType<IOException>(ends[2].Failure);
        foreach (var (rank, (_, failure)) in ends.Index())
            Assert.StartsWith((rank == 2 ? "" : "Rank 2 of 4 has ended the training: ") + "The images need more memory than "
                + $"ImageMemoryBudgetMiB grants, and '{disk.Path}' has no room for them", failure!.Message, $"rank {rank}");
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void A_rank_whose_source_fails_stops_all_and_is_named(bool isCached)
    {
        const string Reason = "The cable of the disk is out.";
        var labels = Enumerable.Range(0, Rows).Select(row => (byte)(row % 10));
        var file = ImageSamples.NewFile("data.bin", ImageSamples.Cifar10(1, [.. labels]));

        var ends = ThreadGroup.RunAll(Size, group => Read(group, data =>
        {
            var source = new WatchedView(data.LoadFromCifarBinary(file), row =>
            {
                if (group.Rank == 1 && row == 9)
                    throw new IOException(Reason);
            });
            return isCached ? data.Cache(source) : source;
        }));

        foreach (var (rank, (_, failure)) in ends.Index())
            Assert.AreEqual((rank == 1 ? "" : "Rank 1 of 4 has ended the training: ") + Reason, failure!.Message, $"rank {rank}");
    }

    private static ImageFolderOptions Sized() => new() { Height = Side, Width = Side, MaxDegreeOfParallelism = 2 };

    private static string Folder(Func<int, bool> isBroken) => ImageSamples.FolderOf(Files(isBroken));

    private static (string, byte[])[] Files(Func<int, bool> isBroken) =>
    [
        .. Enumerable.Range(0, Rows).Select(row => (NameOf(row),
            isBroken(row) ? Garbage : ImageSamples.Plain((byte)row, (byte)(2 * row), 7, width: 5, height: 9))),
    ];

    private static string NameOf(int row)
        => (row < Rows / 2 ? "a/" : "b/") + row.ToString("d3", CultureInfo.InvariantCulture) + ".png";

    private static Outcome Alone(Func<DataOperationsCatalog, IDataView> load) => Read(group: null, load);

    private static Outcome Read(ProcessGroup? group, Func<DataOperationsCatalog, IDataView> load, ImageMemory? memory = null)
    {
        var ml = new MLContext(seed: 1);
        var images = load(ml.Data);
        string[] classes = ["a", "b", .. CifarClassNames.Cifar10];
        var names = ml.Data.LoadFromEnumerable(classes.Select(name => new Named { Label = name }));
        var keyed = ml.Transforms.Conversion.MapValueToKey("Label", keyData: names).Fit(images).Transform(images);
        var columns = TinyImages.Options().TrainingColumns.Find(((IHostEnvironment)ml).Register("test"), keyed.Schema);
        using var set = LabeledImageSet.Read(keyed, columns, new ImageRequest(null, ImageGeometry.Fill),
            memory ?? ImageMemory.Of(null, null), () => { }, out var leftOut, group)!;
        var pixels = set.Store.PixelsOf(0, (int)set.Store.Count);
        return new([.. pixels.bytes], set.Store.BytesInMemory!.Value, string.Join(' ', leftOut.Describe()),
            string.Join(' ', set.Normalization.Mean.Concat(set.Normalization.Deviation)));
    }

    private sealed record Outcome(byte[] Pixels, long BytesInMemory, string LeftOut, string Normalization);

    private sealed class Named
    {
        public string Label { get; set; } = "";
    }

    /// <summary>Passes a view through and tells of which rows somebody takes the image.</summary>
    private sealed class WatchedView(IDataView source, Action<long> onTaken) : IDataView
    {
        public bool CanShuffle => source.CanShuffle;

        public DataViewSchema Schema => source.Schema;

        public long? GetRowCount() => source.GetRowCount();

        public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
            => new Cursor(source.GetRowCursor(columnsNeeded, rand), onTaken);

        public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null)
            => [GetRowCursor(columnsNeeded, rand)];

        private sealed class Cursor(DataViewRowCursor source, Action<long> onTaken) : DataViewRowCursor
        {
            public override long Position => source.Position;

            public override long Batch => source.Batch;

            public override DataViewSchema Schema => source.Schema;

            public override ValueGetter<DataViewRowId> GetIdGetter() => source.GetIdGetter();

            public override bool IsColumnActive(DataViewSchema.Column column) => source.IsColumnActive(column);

            public override bool MoveNext() => source.MoveNext();

            public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
            {
                var getter = source.GetGetter<TValue>(column);
                return column.Name != ImageColumns.Features ? getter : (ref TValue value) =>
                {
                    onTaken(source.Position);
                    getter(ref value);
                };
            }

            protected override void Dispose(bool disposing)
            {
                if (disposing)
                    source.Dispose();
                base.Dispose(disposing);
            }
        }
    }
}
