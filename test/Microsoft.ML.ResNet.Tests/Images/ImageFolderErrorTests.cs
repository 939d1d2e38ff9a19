using System.Buffers.Binary;
using Microsoft.ML.ResNet.Tests.Support;
using static Microsoft.ML.ResNet.Tests.Images.ImageSamples;

namespace Microsoft.ML.ResNet.Tests.Images;

/// <summary>LoadFromImageFolder on folders and archives that are not as they should be.</summary>
[TestClass]
public sealed class ImageFolderErrorTests
{
    private static readonly DataOperationsCatalog Data = new MLContext().Data;

    private static readonly (string Name, byte[] Content)[] OneBroken =
        [("a/1.png", Plain(1)), ("a/2.png", [1, 2, 3]), ("b/1.png", Plain(2)), ("b/2.png", [])];

    public static IEnumerable<object[]> BrokenPaths => [[FolderOf(OneBroken)], [NewFile("set.zip", Zip(OneBroken))]];

    [TestMethod]
    [DynamicData(nameof(BrokenPaths))]
    public void An_unreadable_image_is_fatal_by_default_and_named(string path)
    {
        var view = Data.LoadFromImageFolder(path);
        using var cursor = view.GetRowCursor(view.Schema);

        Assert.IsTrue(cursor.MoveNext(), "Rows before the unreadable image come out.");
        AssertBroken(() => cursor.MoveNext(), path, "a/2.png", "expected an image", "found 3 bytes", "Skip");
    }

    [TestMethod]
    [DynamicData(nameof(BrokenPaths))]
    public void Unreadable_images_can_be_skipped_and_are_reported_once(string path)
    {
        var reports = new List<string>();
        var view = Data.LoadFromImageFolder(path,
            new ImageFolderOptions { UnreadableImageBehavior = UnreadableImageBehavior.Skip, UnreadableImageCallback = reports.Add });
        Assert.IsNull(view.GetRowCount());

        CollectionAssert.AreEqual(new byte[] { 1, 2 }, Rows(view).ConvertAll(row => row.Pixels[0]));
        Assert.HasCount(2, Rows(view));

        Assert.HasCount(2, reports);
        StringAssert.Contains(reports[0], "a/2.png", StringComparison.Ordinal);
        StringAssert.Contains(reports[1], "found no bytes", StringComparison.Ordinal);
        Assert.AreEqual(2, view.GetRowCount());
    }

    [TestMethod]
    [DynamicData(nameof(BrokenPaths))]
    public void A_pass_that_ends_early_reports_what_it_came_by_and_the_next_reports_the_rest(string path)
    {
        var reports = new List<string>();
        var view = Data.LoadFromImageFolder(path,
            new ImageFolderOptions { UnreadableImageBehavior = UnreadableImageBehavior.Skip, UnreadableImageCallback = reports.Add });

        using (var cursor = view.GetRowCursor(view.Schema))
            Assert.IsTrue(cursor.MoveNext());
        Assert.IsEmpty(reports, "a/1.png alone was asked for, however far reading is ahead");
        using (var cursor = view.GetRowCursor(view.Schema))
            Assert.IsTrue(cursor.MoveNext() && cursor.MoveNext());
        StringAssert.Contains(reports.Single(), "a/2.png", StringComparison.Ordinal);
        Assert.IsNull(view.GetRowCount(), "nobody knows what follows");
        Assert.HasCount(2, Rows(view));

        Assert.HasCount(2, reports);
        StringAssert.Contains(reports[1], "b/2.png", StringComparison.Ordinal);
        Assert.AreEqual(2, view.GetRowCount());
    }

    [TestMethod]
    public void Skipping_leaves_out_the_same_rows_whether_or_not_pixels_are_wanted()
    {
        var view = Data.LoadFromImageFolder(FolderOf(OneBroken),
            new ImageFolderOptions { UnreadableImageBehavior = UnreadableImageBehavior.Skip });

        CollectionAssert.AreEqual(new[] { "a", "b" }, Labels(view), "before the pixels were read");
        CollectionAssert.AreEqual(new[] { "a", "b" }, Labels(view), "after all images were tried");
    }

    [TestMethod]
    public void The_size_comes_from_the_first_image_that_can_be_read()
    {
        var folder = FolderOf(("a/1.png", [1]), ("a/2.png", Plain(1, width: 3, height: 3)), ("b/1.png", Plain(2)));

        AssertBroken(() => Data.LoadFromImageFolder(folder), "a/1.png", "first image");
        var view = Data.LoadFromImageFolder(folder, new ImageFolderOptions { UnreadableImageBehavior = UnreadableImageBehavior.Skip });
        Assert.HasCount(27, Rows(view)[0].Pixels);
    }

    [TestMethod]
    public void A_folder_of_splits_asks_for_the_subfolder()
    {
        (string, byte[])[] files = [("train/a/1.png", Plain(1)), ("train/b/1.png", Plain(2)), ("test/a/1.png", Plain(3))];

        foreach (var path in new[] { FolderOf(files), NewFile("set.zip", Zip(files)) })
            AssertBroken(() => Data.LoadFromImageFolder(path), path, "/a/1.png", "ImageFolderOptions.Subfolder", "'test', 'train'");
    }

    [TestMethod]
    public void The_real_archive_asks_for_the_subfolder()
    {
        var archive = SharedData.Require("data/cifar10-jpeg.zip");
        AssertBroken(() => Data.LoadFromImageFolder(archive), "ImageFolderOptions.Subfolder", "'test', 'train'");
    }

    [TestMethod]
    public void Fewer_than_two_classes_are_refused()
    {
        AssertBroken(() => Data.LoadFromImageFolder(FolderOf(("a/1.png", Plain(1)))), "at least two folders", "found 'a'");
        AssertBroken(() => Data.LoadFromImageFolder(NewFolder()), "at least two folders", "found nothing");
        AssertBroken(
            () => Data.LoadFromImageFolder(FolderOf(OneBroken), new ImageFolderOptions { Subfolder = "c" }), "at least two folders",
                "found nothing");
    }

    [TestMethod]
    public void A_missing_path_is_reported_at_once() =>
        Assert.ThrowsExactly<FileNotFoundException>(() => Data.LoadFromImageFolder(Path.Combine(NewFolder(), "nothing")));

    [TestMethod]
    public void All_impossible_options_are_named_together()
    {
        var options = new ImageFolderOptions { Height = 0, Width = 70_000, Channels = 4, MaxDegreeOfParallelism = 0 };

        var exception = Assert.ThrowsExactly<ArgumentException>(() => Data.LoadFromImageFolder(FolderOf(OneBroken), options));
        foreach (var name in new[] { "Height is 0", "Width is 70000", "Channels is 4", "MaxDegreeOfParallelism is 0" })
            StringAssert.Contains(exception.Message, name, StringComparison.Ordinal);
    }

    [TestMethod]
    public void Any_truncation_of_an_archive_is_refused()
    {
        var whole = Zip(("a/1.png", Plain(1)), ("b/1.png", Plain(2)));
        for (var length = 0; length < whole.Length; length += 3)
            AssertBroken(() => Data.LoadFromImageFolder(NewFile("set.zip", whole[..length])), "set.zip");
    }

    [TestMethod]
    public void A_damaged_archive_fails_in_the_one_way_or_not_at_all()
    {
        var whole = Zip(("a/1.png", Plain(1)), ("b/1.png", Plain(2)));
        var random = new Random(5);
        for (var i = 0; i < 400; i++)
        {
            var damaged = (byte[])whole.Clone();
            for (var flips = 0; flips < 1 + i % 3; flips++)
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            var path = NewFile("set.zip", damaged);
            try
            {
                Rows(Data.LoadFromImageFolder(path));
            }
            catch (InvalidDataException exception)
            {
                StringAssert.Contains(exception.Message, path, StringComparison.Ordinal);
            }
        }
    }

    [TestMethod]
    public void An_entry_that_claims_an_impossible_length_is_not_believed()
    {
        var zip = Zip(("a/1.png", Plain(1)), ("b/1.png", Plain(2)));
        var directory = zip.AsSpan().IndexOf("PK\u0001\u0002"u8);
        BinaryPrimitives.WriteInt32LittleEndian(zip.AsSpan(directory + 24), 200_000_000); // the first entry's uncompressed size
        var view = Data.LoadFromImageFolder(NewFile("set.zip", zip), new ImageFolderOptions { Height = 2, Width = 2 });

        AssertBroken(() => Rows(view), "a/1.png", "at most", "claims 200000000");
    }
}
