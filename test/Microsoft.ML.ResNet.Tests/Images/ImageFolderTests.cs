using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Tests.Support;
using static Microsoft.ML.ResNet.Tests.Images.ImageSamples;

namespace Microsoft.ML.ResNet.Tests.Images;

/// <summary>LoadFromImageFolder on folders and archives that are as they should be.</summary>
[TestClass]
public sealed class ImageFolderTests
{
    private static readonly DataOperationsCatalog Data = new MLContext().Data;

    private static readonly (string Name, byte[] Content)[] Pets =
    [
        ("dog/b.png", Plain(3)), ("dog/B.png", Plain(2)), ("cat/10.png", Plain(0)), ("cat/9.png", Plain(1)),
        ("dog/.DS_Store", [1]), ("dog/Thumbs.db", [1]), (".git/refs/heads", [1]), ("__MACOSX/dog/._b.png", [1]), ("readme.txt", [1]),
    ];

    public static IEnumerable<object[]> PetPaths => [[FolderOf(Pets)], [NewFile("pets.zip", Zip(Pets))]];

    [TestMethod]
    [DynamicData(nameof(PetPaths))]
    public void Rows_are_ordered_by_class_and_file_name(string path)
    {
        var view = Data.LoadFromImageFolder(path);
        var rows = Rows(view);

        CollectionAssert.AreEqual(new[] { "cat", "cat", "dog", "dog" }, rows.ConvertAll(row => row.Label));
        CollectionAssert.AreEqual(new byte[] { 0, 1, 2, 3 }, rows.ConvertAll(row => row.Pixels[0]));
        CollectionAssert.AreEqual(rows.ConvertAll(row => row.Label), Labels(view));
        Assert.AreEqual(4, view.GetRowCount());
    }

    [TestMethod]
    public void The_first_image_gives_the_size_and_the_others_are_resized()
    {
        var folder = FolderOf(("a/1.png", Plain(10, width: 6, height: 5)), ("b/1.png", Plain(20, width: 9, height: 3)));

        var view = Data.LoadFromImageFolder(folder);

        Assert.AreEqual(new VectorDataViewType(NumberDataViewType.Byte, 3, 5, 6), view.Schema["Features"].Type);
        Assert.IsTrue(Rows(view)[1].Pixels[..30].All(red => red == 20));
    }

    [TestMethod]
    public void Options_give_size_and_channels()
    {
        var view = Data.LoadFromImageFolder(FolderOf(Pets), new ImageFolderOptions { Height = 8, Width = 4, Channels = 1 });

        Assert.AreEqual(new VectorDataViewType(NumberDataViewType.Byte, 1, 8, 4), view.Schema["Features"].Type);
        Assert.HasCount(32, Rows(view)[0].Pixels);
    }

    [TestMethod]
    public void A_subfolder_picks_a_split()
    {
        (string, byte[])[] files = [("set/train/a/1.png", Plain(1)), ("set/train/b/1.png", Plain(2)), ("set/test/a/1.png", Plain(3)),
            ("set/test/b/1.png", Plain(4))];

        foreach (var path in new[] { FolderOf(files), NewFile("set.zip", Zip(files)) })
            CollectionAssert.AreEqual(
                new byte[] { 3, 4 }, Rows(Data.LoadFromImageFolder(path, new ImageFolderOptions { Subfolder = "set/test/" }))
                    .ConvertAll(row => row.Pixels[0]));
    }

    [TestMethod]
    public void Listing_opens_no_image_when_the_size_is_given()
    {
        var folder = FolderOf(("a/1.png", [1]), ("b/1.png", [2]));
        var view = Data.LoadFromImageFolder(folder, new ImageFolderOptions { Height = 2, Width = 2 });
        using var cursor = view.GetRowCursor(view.Schema);

        File.WriteAllBytes(Path.Combine(folder, "a/1.png"), Plain(1));
        File.WriteAllBytes(Path.Combine(folder, "b/1.png"), Plain(2));

        Assert.IsTrue(cursor.MoveNext());
        Assert.HasCount(2, Rows(view));
    }

    [TestMethod]
    public void Labels_alone_decode_nothing()
    {
        (string, byte[])[] files = [("a/1.png", [1]), ("b/1.png", [2])]; // would fail if anybody looked

        foreach (var path in new[] { FolderOf(files), NewFile("set.zip", Zip(files)) })
            CollectionAssert.AreEqual(new[] { "a", "b" },
                Labels(Data.LoadFromImageFolder(path, new ImageFolderOptions { Height = 2, Width = 2 })));
    }

    [TestMethod]
    [DataRow(1)]
    [DataRow(3)]
    public void Many_images_come_in_order_on_any_number_of_threads(int degree)
    {
        var files = Enumerable.Range(0, 500).Select(i => ($"{(i < 300 ? "a" : "b")}/{i:d3}.png", Plain((byte)i, (byte)(i >> 8)))).ToArray();

        foreach (var path in new[] { FolderOf(files), NewFile("set.zip", Zip(files)) })
        {
            var rows = Rows(Data.LoadFromImageFolder(path, new ImageFolderOptions { MaxDegreeOfParallelism = degree }));
            CollectionAssert.AreEqual(Enumerable.Range(0, 500).ToArray(), rows.ConvertAll(row => row.Pixels[0] + 256 * row.Pixels[4]));
        }
    }

    [TestMethod]
    public void Cursors_may_be_interleaved_and_left_early()
    {
        var view = Data.LoadFromImageFolder(
            NewFile("set.zip", Zip([.. Enumerable.Range(0, 300).Select(i => ($"{i % 2}/{i:d3}.png", Plain((byte)(i / 2))))])));
        using var slow = view.GetRowCursor(view.Schema);
        var features = slow.GetGetter<VBuffer<byte>>(view.Schema["Features"]);
        VBuffer<byte> pixels = default;
        for (var i = 0; i < 150; i++)
        {
            Assert.IsTrue(slow.MoveNext());
            using (var left = view.GetRowCursor(view.Schema))
                Assert.IsTrue(i % 30 != 0 || left.MoveNext());
            features(ref pixels);
            Assert.AreEqual(i, pixels.GetValues()[0]);
        }
    }

    [TestMethod]
    public void The_real_archive_gives_ten_classes_of_32_by_32_pixels()
    {
        var view = Data.LoadFromImageFolder(SharedData.Require("data/cifar10-jpeg.zip"), new ImageFolderOptions { Subfolder = "test" });

        var rows = Rows(view);

        Assert.AreEqual(5000, view.GetRowCount());
        Assert.AreEqual(new VectorDataViewType(NumberDataViewType.Byte, 3, 32, 32), view.Schema["Features"].Type);
        Assert.IsTrue(rows.CountBy(row => row.Label).All(count => count.Value == 500));
        Assert.AreEqual(0.47, rows.Average(row => row.Pixels.Average(pixel => (double)pixel)) / 255, 0.02, "CIFAR-10's mean brightness");
    }
}
