using static Microsoft.ML.ResNet.Tests.Images.ImageSamples;

namespace Microsoft.ML.ResNet.Tests.Images;

/// <summary>LoadFromCifarBinary on files that are not as they should be.</summary>
[TestClass]
public sealed class CifarBinaryErrorTests
{
    private static readonly DataOperationsCatalog Data = new MLContext().Data;

    [TestMethod]
    public void A_truncated_file_names_the_record_it_ends_in()
    {
        var path = NewFile("data_batch_1.bin", Cifar10(1, 1, 2, 3)[..^5]);

        AssertBroken(() => Rows(Data.LoadFromCifarBinary(path)), path, "record 2 (byte 6146)", "3073", "after 3068", "truncated");
    }

    [TestMethod]
    public void A_label_out_of_range_names_record_byte_and_range()
    {
        var path = NewFile("data_batch_1.bin", Cifar10(1, 1, 10));
        AssertBroken(() => Labels(Data.LoadFromCifarBinary(path)), path, "record 1 (byte 3073)", "from 0 to 9", "CIFAR-10's standard names",
            "found 10");

        var fine = NewFile("train.bin", Cifar(1, [1, 99], [1, 100]));
        AssertBroken(() => Labels(Data.LoadFromCifarBinary(fine)), fine, "record 1 (byte 3075)", "from 0 to 99", "found 100");
    }

    [TestMethod]
    public void A_label_beyond_the_names_file_names_that_file()
    {
        var folder = FolderOf(("data_batch_1.bin", Cifar10(1, 2)), ("batches.meta.txt", "disc\nring\n"u8.ToArray()));

        AssertBroken(() => Labels(Data.LoadFromCifarBinary(folder)), "from 0 to 1", Path.Combine(folder, "batches.meta.txt"), "found 2");
    }

    [TestMethod]
    [DataRow("disc\n", "found 1")]
    [DataRow("disc\nring\ndisc\n", "'disc' 2 times")]
    public void A_names_file_must_list_different_classes(string names, string found)
    {
        var folder = FolderOf(("data_batch_1.bin", Cifar10(1, 0)), ("batches.meta.txt", System.Text.Encoding.UTF8.GetBytes(names)));

        AssertBroken(() => Labels(Data.LoadFromCifarBinary(folder)), "batches.meta.txt", found);
    }

    [TestMethod]
    public void A_names_file_in_another_encoding_is_refused_and_no_two_names_become_one()
    {
        byte[] names = [0xC4, 0xE3, (byte)'\n', 0xB9, 0xB7, (byte)'\n'];
        var folder = FolderOf(("data_batch_1.bin", Cifar10(1, 0)), ("batches.meta.txt", names));

        AssertBroken(() => Labels(Data.LoadFromCifarBinary(folder)), "batches.meta.txt", "UTF-8", "another encoding");
    }

    [TestMethod]
    public void A_names_file_of_hostile_length_is_not_read()
    {
        var folder = FolderOf(("data_batch_1.bin", Cifar10(1, 0)), ("batches.meta.txt", new byte[70_000]));

        AssertBroken(() => Labels(Data.LoadFromCifarBinary(folder)), "batches.meta.txt", "at most 65536 bytes", "70000");
    }

    [TestMethod]
    public void A_names_file_of_64_KiB_is_read()
    {
        var folder = FolderOf(("data_batch_1.bin", Cifar10(1, 0)), ("batches.meta.txt", [.. "disc\nring\n"u8, .. new string('\n', 65_526)
            .Select(line => (byte)line)]));

        CollectionAssert.AreEqual(new[] { "disc" }, Labels(Data.LoadFromCifarBinary(folder)));
    }

    [TestMethod]
    [DataRow("any.bin")]
    [DataRow("test_batch.bin")]
    public void An_empty_file_is_called_empty(string name) =>
        AssertBroken(() => Rows(Data.LoadFromCifarBinary(NewFile(name, []))), name, "an empty file");

    [TestMethod]
    public void A_foreign_file_is_told_the_lengths_that_would_fit() =>
        AssertBroken(() => Rows(Data.LoadFromCifarBinary(NewFile("photo.jpg", new byte[5000]))), "photo.jpg", "3073", "3074", "5000 bytes",
            "neither divides");

    [TestMethod]
    public void A_length_that_fits_both_formats_asks_for_the_option()
    {
        var path = NewFile("own.bin", new byte[3073 * 3074]);

        AssertBroken(() => Rows(Data.LoadFromCifarBinary(path)), "own.bin", "both divide", "CifarBinaryOptions.Format");
        Assert.HasCount(3074, Labels(Data.LoadFromCifarBinary(new CifarBinaryOptions { Format = CifarFormat.Cifar10 }, path)));
        Assert.HasCount(3073, Labels(Data.LoadFromCifarBinary(new CifarBinaryOptions { Format = CifarFormat.Cifar100 }, path)));
    }

    [TestMethod]
    public void A_folder_with_both_sets_asks_for_the_option()
    {
        var folder = FolderOf(("data_batch_1.bin", Cifar10(1, 5)), ("train.bin", Cifar(1, [1, 2])));

        AssertBroken(() => Rows(Data.LoadFromCifarBinary(folder)), folder, "data_batch_*.bin", "train.bin", "CifarBinaryOptions.Format");
        CollectionAssert.AreEqual(new[] { "baby" },
            Labels(Data.LoadFromCifarBinary(new CifarBinaryOptions { Format = CifarFormat.Cifar100 }, folder)));
    }

    [TestMethod]
    public void A_missing_split_names_what_was_expected_and_found()
    {
        (string, byte[])[] files = [("data_batch_1.bin", Cifar10(1, 5)), ("readme.html", [1])];
        var options = new CifarBinaryOptions { Split = CifarSplit.Test };

        foreach (var path in new[] { FolderOf(files), NewFile("set.tgz", TarGz(files)) })
            AssertBroken(() => Rows(Data.LoadFromCifarBinary(options, path)), path, "test_batch.bin", "test.bin",
                "'data_batch_1.bin', 'readme.html'");
    }

    [TestMethod]
    public void A_missing_path_is_reported_at_once()
    {
        var missing = Path.Combine(NewFolder(), "nothing.bin");

        var exception = Assert.ThrowsExactly<FileNotFoundException>(() => Data.LoadFromCifarBinary(missing));
        StringAssert.Contains(exception.Message, missing, StringComparison.Ordinal);
    }

    [TestMethod]
    public void Impossible_arguments_are_reported_at_once()
    {
        Assert.ThrowsExactly<ArgumentException>(() => Data.LoadFromCifarBinary());
        Assert.ThrowsExactly<ArgumentException>(() => Data.LoadFromCifarBinary(" "));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(
            () => Data.LoadFromCifarBinary(new CifarBinaryOptions { Split = (CifarSplit)7 }, "x"));
    }

    [TestMethod]
    public void Any_truncation_of_a_file_fails_or_ends_at_a_whole_record()
    {
        var whole = Cifar10(1, 1, 2);
        for (var length = 0; length < whole.Length; length += length % 3073 < 3 ? 1 : 307)
        {
            var path = NewFile("data_batch_1.bin", whole[..length]);
            if (length == 3073)
                Assert.HasCount(1, Rows(Data.LoadFromCifarBinary(path)));
            else
                AssertBroken(() => Rows(Data.LoadFromCifarBinary(path)), path);
        }
    }

    [TestMethod]
    public void Any_truncation_of_an_archive_that_loses_content_fails_before_the_first_row()
    {
        const int AfterContent = 30; // the compressed end marker and gzip's trailer
        var whole = TarGz(("data_batch_1.bin", Cifar10(1, 1, 2)), ("batches.meta.txt", "a\nb\nc\n"u8.ToArray()));
        for (var length = 0; length < whole.Length - AfterContent; length += length < whole.Length - 400 ? 97 : 1)
        {
            var view = Data.LoadFromCifarBinary(NewFile("set.tar.gz", whole[..length]));
            using var cursor = view.GetRowCursor(view.Schema);
            AssertBroken(() => cursor.MoveNext(), "set.tar.gz");
            Assert.IsFalse(cursor.MoveNext(), "A cursor that failed has ended.");
        }
    }

    [TestMethod]
    public void A_truncation_after_an_archives_content_fails_or_gives_all_rows()
    {
        var whole = TarGz(("data_batch_1.bin", Cifar10(1, 1, 2)), ("batches.meta.txt", "a\nb\nc\n"u8.ToArray()));
        for (var length = whole.Length - 30; length < whole.Length; length++)
            if (ReadOrNull(NewFile("set.tar.gz", whole[..length])) is { } labels)
                CollectionAssert.AreEqual(new[] { "b", "c" }, labels);
    }

    [TestMethod]
    public void An_archive_that_lacks_its_last_file_is_truncated()
    {
        var tar = new MemoryStream();
        using (var writer = new System.Formats.Tar.TarWriter(tar, leaveOpen: true))
            writer.WriteEntry(
                new System.Formats.Tar.UstarTarEntry(System.Formats.Tar.TarEntryType.RegularFile,
                "data_batch_1.bin")
                { DataStream = new MemoryStream(Cifar10(1, 1)) });
        var path = NewFile("set.tar.gz", GZip(tar.ToArray()[..^1024])); // as if cut between two files

        AssertBroken(() => Rows(Data.LoadFromCifarBinary(path)), path, "truncated");
    }

    [TestMethod]
    public void A_damaged_archive_fails_in_the_one_way_or_not_at_all()
    {
        var whole = TarGz(("data_batch_1.bin", Cifar10(1, 1, 2)), ("batches.meta.txt", "a\nb\nc\n"u8.ToArray()));
        var random = new Random(7);
        for (var i = 0; i < 200; i++)
        {
            var damaged = (byte[])whole.Clone();
            damaged[random.Next(i % 2 == 0 ? 64 : damaged.Length)] ^= (byte)(1 << random.Next(8));
            ReadOrNull(NewFile("set.tar.gz", damaged));
        }
    }

    [TestMethod]
    public void A_damaged_tar_header_fails_in_the_one_way_or_not_at_all()
    {
        var random = new Random(8);
        var tar = new MemoryStream();
        using (var writer = new System.Formats.Tar.TarWriter(tar, leaveOpen: true))
            writer.WriteEntry(
                new System.Formats.Tar.PaxTarEntry(System.Formats.Tar.TarEntryType.RegularFile,
                "data_batch_1.bin")
                { DataStream = new MemoryStream(Cifar10(1, 1)) });
        for (var i = 0; i < 400; i++)
        {
            var damaged = tar.ToArray();
            for (var flips = 0; flips < 1 + i % 4; flips++)
                damaged[random.Next(1600)] = (byte)random.Next(256);
            ReadOrNull(NewFile("set.tar.gz", GZip(damaged)));
        }
    }

    [TestMethod]
    public void A_tar_header_that_claims_gigabytes_is_a_broken_file()
    {
        foreach (var type in "xgLK0")
        {
            var header = new byte[512];
            "data_batch_1.bin"u8.CopyTo(header);
            Put("0000644\0" + "0000000\0" + "0000000\0", 100);
            Put("17777777777\0" + "00000000000\0" + "        " + type, 124);
            Put("ustar\0" + "00", 257);
            Put(Convert.ToString(header.Sum(value => value), 8).PadLeft(6, '0') + "\0 ", 148);
            var path = NewFile("set.tar.gz", GZip([.. header, .. new byte[4096]]));

            var before = GC.GetAllocatedBytesForCurrentThread();
            AssertBroken(() => Rows(Data.LoadFromCifarBinary(path)), path);
            Assert.IsLessThan(4 << 20, GC.GetAllocatedBytesForCurrentThread() - before, $"{type}");

            int Put(string text, int offset) => System.Text.Encoding.ASCII.GetBytes(text, header.AsSpan(offset));
        }
    }

    private static byte[] GZip(byte[] content)
    {
        var zipped = new MemoryStream();
        using (var gzip = new System.IO.Compression.GZipStream(zipped, System.IO.Compression.CompressionLevel.Fastest))
            gzip.Write(content);
        return zipped.ToArray();
    }

    /// <summary>The labels, or null when reading fails as it should; any other failure is the test's.</summary>
    private static List<string>? ReadOrNull(string path)
    {
        try
        {
            return Rows(Data.LoadFromCifarBinary(path)).ConvertAll(row => row.Label);
        }
        catch (InvalidDataException exception)
        {
            StringAssert.Contains(exception.Message, path, StringComparison.Ordinal);
            return null;
        }
    }
}
