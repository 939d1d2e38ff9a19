using FsCheck;
using FsCheck.Fluent;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Tests.Support;
using static Microsoft.ML.ResNet.Tests.Images.ImageSamples;

namespace Microsoft.ML.ResNet.Tests.Images;

/// <summary>LoadFromCifarBinary on files that are as they should be.</summary>
[TestClass]
public sealed class CifarBinaryTests
{
    private static readonly DataOperationsCatalog Data = new MLContext().Data;

    [TestMethod]
    public void The_columns_have_the_names_and_types_that_trainers_expect()
    {
        var schema = Data.LoadFromCifarBinary(NewFile("test_batch.bin", Cifar10(1, 0))).Schema;

        Assert.AreEqual(new VectorDataViewType(NumberDataViewType.Byte, 3, 32, 32), schema["Features"].Type);
        Assert.AreEqual(TextDataViewType.Instance, schema["Label"].Type);
        Assert.HasCount(2, schema);
    }

    [TestMethod]
    public void A_Cifar10_record_is_a_label_and_planar_pixels() =>
        Prop.ForAll(ArbMap.Default.ArbFor<int>(), ArbMap.Default.ArbFor<byte>(), (seed, label) =>
        {
            var bytes = Cifar10(seed, (byte)(label % 10), 9);
            var rows = Rows(Data.LoadFromCifarBinary(NewFile("any name.bin", bytes)));

            var names = "airplane automobile bird cat deer dog frog horse ship truck".Split(' ');
            return rows.Count == 2
                && rows[0].Label == names[label % 10] && rows[0].Pixels.AsSpan().SequenceEqual(bytes.AsSpan(1, CifarPixels))
                && rows[1].Label == "truck" && rows[1].Pixels.AsSpan().SequenceEqual(bytes.AsSpan(1 + CifarPixels + 1));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(20));

    [TestMethod]
    public void A_Cifar100_record_has_a_coarse_and_a_fine_label()
    {
        var bytes = Cifar(2, [4, 0], [14, 98], [19, 99]);
        var path = NewFile("train.bin", bytes);

        var fine = Rows(Data.LoadFromCifarBinary(path));
        var coarse = Rows(Data.LoadFromCifarBinary(new CifarBinaryOptions { LabelLevel = CifarLabelLevel.Coarse }, path));

        CollectionAssert.AreEqual(new[] { "apple", "woman", "worm" }, fine.ConvertAll(row => row.Label));
        CollectionAssert.AreEqual(new[] { "fruit_and_vegetables", "people", "vehicles_2" }, coarse.ConvertAll(row => row.Label));
        CollectionAssert.AreEqual(bytes[2..3074], fine[0].Pixels);
        CollectionAssert.AreEqual(bytes[2..3074], coarse[0].Pixels);
    }

    [TestMethod]
    public void The_standard_names_are_as_many_as_the_sets_have_classes()
    {
        Assert.HasCount(10, CifarClassNames.Cifar10.Distinct());
        Assert.HasCount(100, CifarClassNames.Cifar100Fine.Distinct());
        Assert.HasCount(20, CifarClassNames.Cifar100Coarse.Distinct());
    }

    [TestMethod]
    public void Class_names_beside_the_file_win_over_the_standard_names()
    {
        var folder = FolderOf(("shapes.bin", Cifar10(1, 2, 0)), ("batches.meta.txt", "disc\r\nring\nstar\n\n"u8.ToArray()));

        CollectionAssert.AreEqual(new[] { "star", "disc" }, Labels(Data.LoadFromCifarBinary(Path.Combine(folder, "shapes.bin"))));
    }

    [TestMethod]
    public void A_folder_gives_the_wanted_split_in_order_of_file_names()
    {
        var folder = FolderOf(
            ("data_batch_2.bin", Cifar10(2, 2)), ("data_batch_1.bin", Cifar10(1, 1)), ("test_batch.bin", Cifar10(3, 3, 3)),
                ("readme.html", [1]));

        CollectionAssert.AreEqual(new[] { "automobile", "bird" }, Labels(Data.LoadFromCifarBinary(folder)));
        CollectionAssert.AreEqual(new[] { "cat", "cat" },
            Labels(Data.LoadFromCifarBinary(new CifarBinaryOptions { Split = CifarSplit.Test }, folder)));
    }

    [TestMethod]
    public void An_archive_gives_what_the_folder_gives_even_when_its_names_come_last()
    {
        (string, byte[])[] files =
        [
            ("cifar-100-binary/train.bin", Cifar(1, [0, 1], [1, 0])), ("cifar-100-binary/test.bin", Cifar(2, [1, 2])),
            ("cifar-100-binary/coarse_label_names.txt", "land\nwater\n"u8.ToArray()),
                ("cifar-100-binary/fine_label_names.txt", "hill\nlake\nsea\n"u8.ToArray()),
        ];
        var archive = NewFile("cifar-100-binary.tar.gz", TarGz(files));
        var folder = Path.Combine(FolderOf(files), "cifar-100-binary");

        foreach (var split in Enum.GetValues<CifarSplit>())
            foreach (var labels in Enum.GetValues<CifarLabelLevel>())
            {
                var options = new CifarBinaryOptions { Split = split, LabelLevel = labels };
                AssertSameRows(Rows(Data.LoadFromCifarBinary(options, folder)), Rows(Data.LoadFromCifarBinary(options, archive)));
            }
        CollectionAssert.AreEqual(new[] { "lake", "hill" }, Labels(Data.LoadFromCifarBinary(archive)));
    }

    [TestMethod]
    public void Several_paths_follow_one_another()
    {
        var one = NewFile("one.bin", Cifar10(1, 1));
        var two = NewFile("two.tar.gz", TarGz(("data_batch_1.bin", Cifar10(2, 2))));

        CollectionAssert.AreEqual(new[] { "bird", "automobile", "bird" }, Labels(Data.LoadFromCifarBinary(two, one, two)));
    }

    [TestMethod]
    public void The_row_count_is_known_where_file_lengths_tell_it()
    {
        var file = NewFile("one.bin", Cifar10(1, 1, 2, 3));
        var folder = FolderOf(("data_batch_1.bin", Cifar10(1, 1, 2)), ("data_batch_2.bin", Cifar10(1, 1)),
            ("test_batch.bin", Cifar10(1, 1)));
        var archive = NewFile("two.tar.gz", TarGz(("data_batch_1.bin", Cifar10(2, 2))));

        Assert.AreEqual(6, Data.LoadFromCifarBinary(file, folder).GetRowCount());
        Assert.IsNull(Data.LoadFromCifarBinary(file, archive).GetRowCount());
        Assert.IsNull(Data.LoadFromCifarBinary(NewFile("broken.bin", new byte[10])).GetRowCount());
    }

    [TestMethod]
    public void Nothing_is_read_until_a_cursor_moves()
    {
        var path = NewFile("data.bin", [1, 2, 3]);
        var view = Data.LoadFromCifarBinary(path);
        using var cursor = view.GetRowCursor(view.Schema);

        File.WriteAllBytes(path, Cifar10(1, 7));

        Assert.IsTrue(cursor.MoveNext());
        CollectionAssert.AreEqual(new[] { "horse" }, Labels(view));
    }

    [TestMethod]
    public void Real_records_come_out_as_they_are_in_the_file()
    {
        var path = SharedData.Require("data/cifar10-lossless-1017.bin");
        var bytes = File.ReadAllBytes(path);

        var rows = Rows(Data.LoadFromCifarBinary(path));

        Assert.HasCount(1017, rows);
        Assert.HasCount(10, rows.Select(row => row.Label).Distinct());
        for (var i = 0; i < rows.Count; i++)
            Assert.IsTrue(bytes.AsSpan(i * 3073 + 1, 3072).SequenceEqual(rows[i].Pixels), $"Record {i} differs.");
    }

    private static void AssertSameRows(List<(string Label, byte[] Pixels)> expected, List<(string Label, byte[] Pixels)> actual)
    {
        CollectionAssert.AreEqual(expected.ConvertAll(row => row.Label), actual.ConvertAll(row => row.Label));
        CollectionAssert.AreEqual(expected.SelectMany(row => row.Pixels).ToArray(), actual.SelectMany(row => row.Pixels).ToArray());
    }
}
