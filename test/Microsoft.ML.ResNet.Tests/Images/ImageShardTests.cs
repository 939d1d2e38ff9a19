using Microsoft.ML.Data;
using static Microsoft.ML.ResNet.Tests.Images.ImageSamples;

namespace Microsoft.ML.ResNet.Tests.Images;

/// <summary>Parts of a data set, each read by a process of its own.</summary>
[TestClass]
public class ImageShardTests
{
    private static readonly DataOperationsCatalog Data = new MLContext(seed: 1).Data;

    [TestMethod]
    [DataRow(0)]
    [DataRow(1)]
    [DataRow(10)]
    [DataRow(17)]
    [DataRow(long.MaxValue)]
    public void Parts_follow_one_another_and_differ_by_one_row_at_most(long rows)
    {
        foreach (var count in new[] { 1, 2, 3, 7, 16 })
        {
            var end = 0L;
            var lengths = new List<long>();
            for (var index = 0; index < count; index++)
            {
                var range = new ImageShard(index, count).RangeOf(rows);
                Assert.AreEqual(end, range.First);
                lengths.Add(range.End - range.First);
                end = range.End;
            }
            Assert.AreEqual(rows, end);
            Assert.IsLessThanOrEqualTo(1L, lengths.Max() - lengths.Min());
        }
    }

    [TestMethod]
    [DataRow(0, 0)]
    [DataRow(-1, 3)]
    [DataRow(3, 3)]
    public void A_part_that_cannot_be_is_refused(int index, int count)
        => Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new ImageShard(index, count));

    [TestMethod]
    public void The_rows_of_all_parts_are_the_rows_of_the_whole()
    {
        (string, byte[])[] pictures =
            [.. Enumerable.Range(0, 11).Select(i => ($"{(char)('a' + i % 3)}/{i:d2}.png", Plain((byte)(20 * i))))];
        var (folder, zip) = (FolderOf(pictures), NewFile("pictures.zip", Zip(pictures)));
        (string, byte[])[] batches =
        [
            ("data_batch_1.bin", Cifar10(1, 1, 2, 3)), ("data_batch_2.bin", Cifar10(2, 4)), ("data_batch_3.bin", Cifar10(3, 5, 6, 7, 8)),
            ("test_batch.bin", Cifar10(4, 9)),
        ];
        var (cifar, archive) = (FolderOf(batches), NewFile("cifar.tar.gz", TarGz(batches)));
        var file = NewFile("one.bin", Cifar10(5, 0, 1, 2, 3, 4));
        foreach (var load in new Func<ImageShard?, IDataView>[]
        {
            shard => Data.LoadFromImageFolder(folder, new ImageFolderOptions { Shard = shard }),
            shard => Data.LoadFromImageFolder(zip, new ImageFolderOptions { Shard = shard }),
            shard => Data.LoadImageFilesFromFolder(folder, new ImageFolderOptions { Shard = shard }),
            shard => Data.LoadImageFilesFromFolder(zip, new ImageFolderOptions { Shard = shard }),
            shard => Data.LoadFromCifarBinary(new CifarBinaryOptions { Shard = shard }, cifar),
            shard => Data.LoadFromCifarBinary(new CifarBinaryOptions { Shard = shard }, archive),
            shard => Data.LoadFromCifarBinary(new CifarBinaryOptions { Shard = shard }, file),
            shard => Data.LoadFromCifarBinary(new CifarBinaryOptions { Shard = shard }, file, archive, cifar, file),
        })
        {
            var whole = Rows(load(null));
            foreach (var count in new[] { 1, 2, 3, 7, 40 })
            {
                var parts = Enumerable.Range(0, count).Select(index => load(new ImageShard(index, count))).ToList();
                var rows = parts.SelectMany(Rows).ToList();
                CollectionAssert.AreEqual(whole.Select(row => row.Label).ToList(), rows.Select(row => row.Label).ToList());
                foreach (var (expected, found) in whole.Zip(rows))
                    CollectionAssert.AreEqual(expected.Pixels, found.Pixels);
                foreach (var part in parts)
                    Assert.IsTrue((part.GetRowCount() ?? Rows(part).Count) == Rows(part).Count);
            }
        }
    }

    [TestMethod]
    public void A_part_reads_nothing_of_the_others()
    {
        var folder = FolderOf(("a/1.png", Plain(1)), ("a/2.png", Plain(2)), ("b/3.png", [1]), ("b/4.png", Plain(4)));
        var cifar = FolderOf(("data_batch_1.bin", Cifar10(1, 1, 2)), ("data_batch_2.bin", Cifar10(2, 99, 3)));
        IDataView Folder(int index) => Data.LoadFromImageFolder(folder, new ImageFolderOptions { Shard = new(index, 2) });
        IDataView Cifar(int index) => Data.LoadFromCifarBinary(new CifarBinaryOptions { Shard = new(index, 4) }, cifar);

        Assert.HasCount(2, Rows(Folder(0)));
        AssertBroken(() => Rows(Folder(1)), "3.png");
        Assert.HasCount(1, Rows(Cifar(1)));
        AssertBroken(() => Rows(Cifar(2)), "data_batch_2.bin", "record 0", "99");
        Assert.HasCount(1, Rows(Cifar(3)));
    }

    [TestMethod]
    public void All_parts_have_images_of_the_shape_of_the_first_of_all()
    {
        var folder = FolderOf(("a/1.png", Plain(1, width: 3, height: 5)), ("b/2.png", Plain(2, width: 8, height: 8)));

        var second = Data.LoadFromImageFolder(folder, new ImageFolderOptions { Shard = new(1, 2) });

        Assert.HasCount(3 * 3 * 5, Rows(second).Single().Pixels);
    }

    [TestMethod]
    public void A_truncated_file_is_an_error_for_all_parts()
    {
        var cifar = FolderOf(("data_batch_1.bin", Cifar10(1, 1, 2)), ("data_batch_2.bin", Cifar10(2, 3)[..100]));

        for (var index = 0; index < 5; index++)
        {
            var part = Data.LoadFromCifarBinary(new CifarBinaryOptions { Shard = new(index, 5) }, cifar);
            AssertBroken(() => Rows(part), "data_batch_2.bin", "the end of the file after 100");
        }
    }
}
