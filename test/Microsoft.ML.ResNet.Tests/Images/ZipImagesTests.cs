using System.IO.Compression;
using Microsoft.ML.ResNet.Images.Views;
using static Microsoft.ML.ResNet.Tests.Images.ImageSamples;

namespace Microsoft.ML.ResNet.Tests.Images;

/// <summary>Zip archives of other shapes than .NET writes them, and archives that change.</summary>
[TestClass]
public sealed class ZipImagesTests
{
    private static readonly DataOperationsCatalog Data = new MLContext().Data;

    [TestMethod]
    [DataRow((ushort)0, false)]
    [DataRow((ushort)8, false)]
    [DataRow((ushort)0, true)]
    [DataRow((ushort)8, true)]
    public void Stored_and_deflated_entries_are_read_with_and_without_Zip64(ushort method, bool zip64) =>
        AssertReads(new() { Method = method, Zip64 = zip64 });

    [TestMethod]
    public void Local_headers_may_be_much_longer_than_the_directory_says() =>
        AssertReads(new() { LocalExtra = 3000 });

    [TestMethod]
    public void A_comment_may_look_like_an_end_record() =>
        AssertReads(new() { Comment = [.. "PK\u0005\u0006"u8, .. new byte[16], 0xff, 0xff, .. new byte[10]] });

    [TestMethod]
    public void What_needs_a_password_or_an_unknown_method_is_named()
    {
        AssertUnreadable(new() { Flags = 1 }, "password");
        AssertUnreadable(new() { Method = 14 }, "compression method 14");
    }

    [TestMethod]
    public void More_entries_than_16_bits_count_are_all_found()
    {
        var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create))
            for (var i = 0; i < 66_000; i++)
                zip.CreateEntry($"{i % 2}/{i}.png", CompressionLevel.NoCompression);

        var view = Data.LoadFromImageFolder(NewFile("set.zip", stream.ToArray()), new ImageFolderOptions { Height = 2, Width = 2 });

        Assert.AreEqual(66_000, view.GetRowCount());
    }

    [TestMethod]
    public void Another_archive_of_the_same_names_gives_its_own_images()
    {
        var path = NewFile("set.zip", Zip(("a/1.png", Plain(1)), ("b/1.png", Plain(2))));
        var view = Data.LoadFromImageFolder(path);

        File.WriteAllBytes(path, Zip(("c/1.png", Plain(9, width: 40, height: 40)), ("b/1.png", Plain(4)), ("a/1.png", Plain(3))));

        CollectionAssert.AreEqual(new byte[] { 3, 4 }, Rows(view).ConvertAll(row => row.Pixels[0]));
    }

    [TestMethod]
    public void Images_of_more_than_a_hundred_million_pixels_are_refused_before_anything_is_read() =>
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => Data.LoadFromImageFolder(NewFile("set.zip", Zip()),
            new ImageFolderOptions { Height = 10_001, Width = 10_000 })).Message, "10001 x 10000");

    [TestMethod]
    public void An_archive_without_entries_is_whole_but_has_no_classes() =>
        AssertBroken(() => Data.LoadFromImageFolder(NewFile("set.zip", Zip())), "at least two folders with images", "found nothing");

    [TestMethod]
    [DataRow(new byte[] { 1, 0, 24, 0 }, DisplayName = "Zip64 without numbers")]
    [DataRow(new byte[] { 0x55, 0x54, 1 }, DisplayName = "less than a field's head")]
    [DataRow(new byte[] { 0x55, 0x54, 6, 0, 1, 2 }, DisplayName = "less than the head says")]
    public void Fields_of_other_programs_may_be_cut_short(byte[] field)
    {
        var archive = new RawZip().Add([.. "a/1.png"u8], Plain(1), extra: field).Add([.. "b/1.png"u8], Plain(2)).ToArray();

        CollectionAssert.AreEqual(new byte[] { 1, 2 },
            Rows(Data.LoadFromImageFolder(NewFile("set.zip", archive))).ConvertAll(row => row.Pixels[0]));
    }

    [TestMethod]
    public void A_directory_that_holds_something_else_than_headers_is_damaged()
    {
        var archive = new ZipArchiveSample().Add("a/1.png", Plain(1)).Add("b/1.png", Plain(2)).ToArray();
        archive[archive.AsSpan().LastIndexOf("PK\u0001\u0002"u8) + 3] = 9;

        AssertBroken(() => Data.LoadFromImageFolder(NewFile("set.zip", archive)), "truncated, damaged or foreign", "the header of entry 2");
    }

    [TestMethod]
    public void An_entry_that_is_gone_is_an_unreadable_image()
    {
        var path = NewFile("set.zip", Zip(("a/1.png", Plain(1)), ("b/1.png", Plain(2))));
        var view = Data.LoadFromImageFolder(path);

        File.WriteAllBytes(path, Zip(("a/1.png", Plain(1)), ("b/another.png", Plain(2))));

        AssertBroken(() => Rows(view), "b/1.png", "the archive has changed");
    }

    [TestMethod]
    public void Images_that_pass_through_a_transform_are_known_to_come_decoded_but_others_made_of_them_are_not()
    {
        var mlContext = new MLContext();
        var view = mlContext.Data.LoadFromImageFolder(FolderOf(("a/1.png", Plain(1)), ("b/1.png", Plain(2))));

        var mapped = mlContext.Transforms.Conversion.MapValueToKey(ImageColumns.Label).Fit(view).Transform(view);
        var converted = mlContext.Transforms.Conversion.ConvertType(ImageColumns.Features).Fit(view).Transform(view);

        Assert.IsTrue(LabeledImageView.IsDecodedAhead(mapped.Schema[ImageColumns.Features]));
        Assert.IsFalse(LabeledImageView.IsDecodedAhead(converted.Schema[ImageColumns.Features]));
        Assert.IsFalse(LabeledImageView.IsDecodedAhead(mapped.Schema[ImageColumns.Label]));
    }

    private static void AssertReads(ZipArchiveSample sample)
    {
        var archive = sample.Add("a/1.png", Plain(1)).Add("a/2.png", Plain(2)).Add("b/1.png", Plain(3)).ToArray();
        CollectionAssert.AreEqual(new byte[] { 1, 2, 3 }, Rows(Data.LoadFromImageFolder(NewFile("set.zip", archive)))
            .ConvertAll(row => row.Pixels[0]));
    }

    private static void AssertUnreadable(ZipArchiveSample sample, string reason)
    {
        var archive = sample.Add("a/1.png", Plain(1)).Add("b/1.png", Plain(3)).ToArray();
        var view = Data.LoadFromImageFolder(NewFile("set.zip", archive), new ImageFolderOptions { Height = 2, Width = 2 });
        AssertBroken(() => Rows(view), "a/1.png", reason);
    }
}
