using System.Diagnostics;
using static Microsoft.ML.ResNet.Tests.Images.ImageSamples;

namespace Microsoft.ML.ResNet.Tests.Images;

/// <summary>Pipes, sockets, links that lead nowhere and files that may not be read among the images.</summary>
[TestClass]
public sealed class UnusualFilesTests
{
    private static readonly DataOperationsCatalog Data = new MLContext().Data;

    [TestMethod]
    [Timeout(60_000, CooperativeCancellation = false)]
    [OSCondition(ConditionMode.Exclude, OperatingSystems.Windows)]
    public void A_pipe_in_a_class_folder_is_no_image_and_holds_nothing_up()
    {
        var folder = FolderOf(("a/1.png", Plain(1)), ("b/1.png", Plain(2)));
        MakePipe(Path.Combine(folder, "b", "2.png"));
        MakePipe(Path.Combine(folder, "a", "0.png")); // the first one, whose size would be asked for

        AssertBroken(() => Data.LoadFromImageFolder(folder), "0.png", "expected a file", "a pipe");
        AssertBroken(() => Rows(Data.LoadFromImageFolder(folder, new ImageFolderOptions { Height = 2, Width = 2 })), "0.png", "a pipe");
        AssertSkipped(folder, "0.png", "2.png");
    }

    [TestMethod]
    [Timeout(60_000, CooperativeCancellation = false)]
    [OSCondition(ConditionMode.Exclude, OperatingSystems.Windows)]
    public void A_pipe_in_place_of_an_archive_is_refused()
    {
        var folder = NewFolder();
        foreach (var name in new[] { "set.zip", "cifar.tar.gz", "data_batch_1.bin" })
            MakePipe(Path.Combine(folder, name));

        AssertBroken(() => Data.LoadFromImageFolder(Path.Combine(folder, "set.zip")), "set.zip", "a pipe");
        AssertBroken(() => Rows(Data.LoadFromCifarBinary(Path.Combine(folder, "cifar.tar.gz"))), "cifar.tar.gz", "a pipe");
        Assert.ThrowsExactly<InvalidDataException>(() => Rows(Data.LoadFromCifarBinary(Path.Combine(folder, "data_batch_1.bin"))));
        Assert.ThrowsExactly<InvalidDataException>(() => Rows(Data.LoadFromCifarBinary(folder)));
    }

    [TestMethod]
    public void A_link_to_a_file_of_records_is_that_file()
    {
        var folder = NewFolder();
        var records = Enumerable.Range(0, 2 * 3073).Select(i => (byte)(i % 3073 == 0 ? i / 3073 : 7)).ToArray();
        File.WriteAllBytes(Path.Combine(folder, "records"), records);
        var link = Path.Combine(folder, "data_batch_1.bin");
        File.CreateSymbolicLink(link, "records");

        Assert.HasCount(2, Rows(Data.LoadFromCifarBinary(link)));
        Assert.HasCount(2, Rows(Data.LoadFromCifarBinary(folder)));
    }

    [TestMethod]
    [OSCondition(ConditionMode.Exclude, OperatingSystems.Windows)]
    public void Links_to_images_are_images_and_links_to_devices_are_none()
    {
        var folder = FolderOf(("a/1.png", Plain(1)), ("b/1.png", Plain(2)));
        File.CreateSymbolicLink(Path.Combine(folder, "b", "2.png"), Path.Combine(folder, "a", "1.png"));
        CollectionAssert.AreEqual(new byte[] { 1, 2, 1 }, Rows(Data.LoadFromImageFolder(folder)).ConvertAll(row => row.Pixels[0]));

        File.CreateSymbolicLink(Path.Combine(folder, "b", "3.png"), "/dev/zero");
        File.CreateSymbolicLink(Path.Combine(folder, "b", "4.png"), "/dev/null");
        AssertSkipped(folder, "3.png", "4.png");
    }

    [TestMethod]
    [OSCondition(ConditionMode.Exclude, OperatingSystems.Windows)]
    public void Links_that_lead_nowhere_are_skipped_where_unreadable_images_are()
    {
        var folder = FolderOf(("a/1.png", Plain(1)), ("b/1.png", Plain(2)));
        File.CreateSymbolicLink(Path.Combine(folder, "a", "0.png"), "/nowhere/gone.png");
        File.CreateSymbolicLink(Path.Combine(folder, "a", "2.png"), Path.Combine(folder, "a", "2.png")); // a link to itself

        Assert.ThrowsExactly<FileNotFoundException>(() => Data.LoadFromImageFolder(folder));
        AssertSkipped(folder, "0.png", "2.png");
    }

    [TestMethod]
    [OSCondition(ConditionMode.Exclude, OperatingSystems.Windows)]
    public void Files_that_may_not_be_read_are_skipped_where_unreadable_images_are()
    {
        if (OperatingSystem.IsWindows() || Environment.IsPrivilegedProcess)
            throw new AssertInconclusiveException("Needs Unix permissions; root may read everything.");
        var folder = FolderOf(("a/1.png", Plain(1)), ("a/2.png", Plain(1)), ("b/1.png", Plain(2)));
        File.SetUnixFileMode(Path.Combine(folder, "a", "2.png"), UnixFileMode.None);

        Assert.ThrowsExactly<UnauthorizedAccessException>(() => Rows(Data.LoadFromImageFolder(folder)));
        AssertSkipped(folder, "2.png");
    }

    [TestMethod]
    public void Links_and_devices_in_a_zip_are_no_images()
    {
        foreach (var type in new[] { 0xA000u, 0x1000u, 0x2000u })
        {
            var zip = new RawZip().Add("a/1.png"u8.ToArray(), Plain(1), system: RawZip.Unix, mode: 0x81A4)
                .Add("a/2.png"u8.ToArray(), Plain(3), system: RawZip.Unix, mode: type | 0x1A4)
                .Add("b/1.png"u8.ToArray(), Plain(2));
            var path = NewFile("set.zip", zip.ToArray());
            AssertBroken(() => Rows(Data.LoadFromImageFolder(path)), "a/2.png", "a link, a pipe or a device");
            AssertSkipped(path, "a/2.png");
        }
    }

    // What is left are the images of value 1 and 2.
    private static void AssertSkipped(string path, params string[] names)
    {
        var reports = new List<string>();
        var view = Data.LoadFromImageFolder(path,
            new ImageFolderOptions { UnreadableImageBehavior = UnreadableImageBehavior.Skip, UnreadableImageCallback = reports.Add });
        var rows = Rows(view);
        CollectionAssert.AreEqual(new byte[] { 1, 2 }, rows.Select(row => row.Pixels[0]).Distinct().ToArray());
        Assert.AreEqual(rows.Count, (int?)view.GetRowCount());
        Assert.HasCount(names.Length, reports);
        foreach (var (name, report) in names.Zip(reports))
            StringAssert.Contains(report, name, StringComparison.Ordinal);
    }

    private static void MakePipe(string path)
    {
        using var process = Process.Start("mkfifo", path);
        process.WaitForExit();
        Assert.AreEqual(0, process.ExitCode);
    }
}
