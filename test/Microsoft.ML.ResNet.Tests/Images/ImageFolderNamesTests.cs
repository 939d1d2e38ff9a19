using System.Text;
using Microsoft.ML.ResNet.Tests.Support;
using static Microsoft.ML.ResNet.Tests.Images.ImageSamples;

namespace Microsoft.ML.ResNet.Tests.Images;

/// <summary>What folders and files are called: which are classes, in what order, and in what encoding.</summary>
[TestClass]
public sealed class ImageFolderNamesTests
{
    private static readonly DataOperationsCatalog Data = new MLContext().Data;

    // "猫" (cat) and "狗" (dog) as Chinese Windows writes them; the first would be valid UTF-8, too
    private static readonly byte[] CatGbk = [0xC3, 0xA8], DogGbk = [0xB9, 0xB7];

    [TestMethod]
    public void A_name_is_one_class_whether_its_accents_are_composed_or_not()
    {
        var (nfc, nfd) = ("café", "café".Normalize(NormalizationForm.FormD));
        Assert.AreNotEqual(nfc, nfd);
        (string, byte[])[] files = [($"{nfd}/1.png", Plain(1)), ("bar/1.png", Plain(2)), ($"{nfc}/2.png", Plain(3))];

        foreach (var path in new[] { FolderOf(files), NewFile("set.zip", Zip(files)) })
        {
            var (ml, log) = Logged();
            CollectionAssert.AreEqual(new[] { "bar", nfc, nfc }, Labels(ml.Data.LoadFromImageFolder(path)));
            StringAssert.Contains(log.Single(line => line.Contains("one class", StringComparison.Ordinal)), "2 folders are called");
        }
        CollectionAssert.AreEqual(new[] { "bar", nfc },
            Labels(Data.LoadFromImageFolder(FolderOf(files[..2]))), "a decomposed name alone is composed");
    }

    [TestMethod]
    public void Folders_without_images_are_named_in_a_warning()
    {
        var folder = FolderOf(("circle/1.png", Plain(1)), ("square/1.png", Plain(2)), ("blank/.DS_Store", [1]));
        Directory.CreateDirectory(Path.Combine(folder, "hexagon"));
        Directory.CreateDirectory(Path.Combine(folder, ".git"));
        var (ml, log) = Logged();

        CollectionAssert.AreEqual(new[] { "circle", "square" }, Labels(ml.Data.LoadFromImageFolder(folder)));

        var warning = log.Single(line => line.StartsWith("Warning", StringComparison.Ordinal));
        StringAssert.Contains(warning, "no images and are no classes: 'blank', 'hexagon'", StringComparison.Ordinal);
    }

    [TestMethod]
    public void A_folder_called_dot_NET_is_a_class_and_what_tools_leave_behind_is_none()
    {
        (string, byte[])[] files =
        [
            (".NET/1.png", Plain(1)), ("Java/1.png", Plain(2)), (".git/config", [1]), (".ipynb_checkpoints/1.png", Plain(3)),
            ("__MACOSX/Java/._1.png", [1]), ("Java/.ipynb_checkpoints/1.png", Plain(4)), ("Java/._1.png", [1]), ("@eaDir/1.png", Plain(5)),
        ];

        foreach (var path in new[] { FolderOf(files), NewFile("set.zip", Zip(files)) })
            CollectionAssert.AreEqual(new[] { ".NET", "Java" }, Labels(Data.LoadFromImageFolder(path)));
    }

    [TestMethod]
    public void Classes_that_are_all_numbers_are_ordered_as_numbers()
    {
        var numbers = FolderOf([.. new[] { "1", "10", "2", "100", "02" }.Select(name => ($"{name}/1.png", Plain(1)))]);
        var mixed = FolderOf([.. new[] { "1", "10", "2", "x" }.Select(name => ($"{name}/1.png", Plain(1)))]);

        CollectionAssert.AreEqual(new[] { "1", "02", "2", "10", "100" }, Labels(Data.LoadFromImageFolder(numbers)));
        CollectionAssert.AreEqual(new[] { "1", "10", "2", "x" }, Labels(Data.LoadFromImageFolder(mixed)));
    }

    [TestMethod]
    public void Names_in_a_zip_are_read_by_the_flag_by_the_Unicode_field_and_as_UTF8()
    {
        var dog = (byte[])[.. DogGbk, .. "/1.png"u8];
        var zip = new RawZip()
            .Add("Größe/1.png"u8.ToArray(), Plain(1), RawZip.Utf8)
            .Add("Tür/1.png"u8.ToArray(), Plain(2)) // as macOS writes it
            .Add(dog, Plain(3), extra: [0x55, 0x54, 1, 0, 9, .. RawZip.UnicodePath(dog, "狗/1.png")]);

        CollectionAssert.AreEqual(new[] { "Größe", "Tür", "狗" }, Labels(Data.LoadFromImageFolder(NewFile("set.zip", zip.ToArray()))));
    }

    [TestMethod]
    public void Class_names_in_another_encoding_are_refused_with_the_cure_and_never_merged()
    {
        var dog = (byte[])[.. DogGbk, .. "/1.png"u8];
        byte[][] archives =
        [
            new RawZip().Add([0xC4, 0xE3, .. "/1.png"u8], Plain(1)).Add(dog, Plain(2)).ToArray(), // GBK, nobody says so
            new RawZip().Add("a/1.png"u8.ToArray(), Plain(1)).Add("Größe/1.png"u8.ToArray(), Plain(1))
                .Add([0x94, .. "/1.png"u8], Plain(2)).ToArray(), // code page 437
            new RawZip().Add("a/1.png"u8.ToArray(), Plain(1)).Add(dog, Plain(2), RawZip.Utf8).ToArray(), // the flag lies
            new RawZip().Add("a/1.png"u8.ToArray(), Plain(1))
                .Add(dog, Plain(2), extra: RawZip.UnicodePath(dog, "狗/1.png", crcError: 1)).ToArray(), // the field is another name's
        ];

        foreach (var archive in archives)
            AssertBroken(() => Data.LoadFromImageFolder(NewFile("set.zip", archive)), "set.zip", "UTF-8", "%", "/1.png", "pack it again");
    }

    [TestMethod]
    public void The_shared_archives_of_other_encodings_are_read_right_or_refused()
    {
        var gbk = SharedData.Require("cases/gbk.zip"); // outside: where it is absent, the test is skipped
        AssertBroken(() => Data.LoadFromImageFolder(gbk), "gbk.zip", "UTF-8");
        var backslash = Data.LoadFromImageFolder(SharedData.Require("cases/backslash.zip"));
        CollectionAssert.AreEqual(new[] { "circle", "square" }, Labels(backslash).Distinct().ToArray());
    }

    [TestMethod]
    public void File_names_in_another_encoding_stay_apart_and_are_read()
    {
        var zip = new RawZip();
        foreach (var folder in new[] { "a", "b" })
            zip.Add([.. Encoding.UTF8.GetBytes(folder), (byte)'/', .. CatGbk, 0xFF], Plain(1))
                .Add([.. Encoding.UTF8.GetBytes(folder), (byte)'/', .. DogGbk, 0xFE], Plain(2));

        var rows = Rows(Data.LoadFromImageFolder(NewFile("set.zip", zip.ToArray())));

        CollectionAssert.AreEqual(new[] { "a", "a", "b", "b" }, rows.ConvertAll(row => row.Label));
        CollectionAssert.AreEquivalent(new byte[] { 1, 2, 1, 2 }, rows.ConvertAll(row => row.Pixels[0]));
    }

    [TestMethod]
    [DataRow("circle\\1.png", "square\\1.png")]
    [DataRow("./circle/1.png", "././square/1.png")]
    [DataRow("/circle/1.png", ".\\square\\1.png")]
    public void Names_with_backslashes_or_a_dot_in_front_are_names_of_folders(string first, string second)
    {
        foreach (var system in new[] { RawZip.Dos, RawZip.Unix })
        {
            var zip = new RawZip().Add(Encoding.UTF8.GetBytes(first), Plain(1), system: system)
                .Add(Encoding.UTF8.GetBytes(second), Plain(2), system: system);
            var rows = Rows(Data.LoadFromImageFolder(NewFile("set.zip", zip.ToArray())));
            CollectionAssert.AreEqual(new[] { ("circle", (byte)1), ("square", (byte)2) },
                rows.ConvertAll(row => (row.Label, row.Pixels[0])));
        }
    }

    [TestMethod]
    public void Names_that_lead_out_of_the_archive_are_refused()
    {
        var zip = new RawZip().Add("../../a/1.png"u8.ToArray(), Plain(1)).Add("b/1.png"u8.ToArray(), Plain(2));
        AssertBroken(() => Data.LoadFromImageFolder(NewFile("set.zip", zip.ToArray())), "names inside the archive", "'../../a/1.png'");
    }

    [TestMethod]
    public void A_folder_name_on_disk_that_is_no_Unicode_is_refused()
    {
        var folder = FolderOf(("a/1.png", Plain(1)), ("b/1.png", Plain(2)), ("b\uFFFD/1.png", Plain(3)));
        AssertBroken(() => Data.LoadFromImageFolder(folder), "Unicode", "another encoding", "Rename");
    }

    [TestMethod]
    [DataRow(new byte[] { 0x1F, 0x8B, 8, 0 }, ".tar.gz")]
    [DataRow(new byte[] { 0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C }, "7z")]
    [DataRow(new byte[] { 0x52, 0x61, 0x72, 0x21 }, "RAR")]
    public void Archives_of_other_kinds_are_named_with_the_cure(byte[] start, string kind) =>
        AssertBroken(() => Data.LoadFromImageFolder(NewFile("photos.archive", [.. start, .. new byte[600]])), kind, "Unpack it", ".zip");

    [TestMethod]
    public void The_tar_gz_of_photos_is_named_with_the_cure() =>
        AssertBroken(() => Data.LoadFromImageFolder(NewFile("photos.tar.gz", TarGz(("a/1.png", Plain(1))))), "a gzip file", "Unpack it");

    private static (MLContext Context, List<string> Log) Logged()
    {
        var ml = new MLContext(seed: 1);
        var log = new List<string>();
        ml.Log += (_, e) => log.Add($"{e.Kind}: {e.Message}");
        return (ml, log);
    }
}
