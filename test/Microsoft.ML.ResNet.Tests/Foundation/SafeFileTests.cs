using System.Diagnostics;
using System.Text;
using Microsoft.ML.ResNet.Foundation;
using Microsoft.ML.ResNet.Tests.Support;

namespace Microsoft.ML.ResNet.Tests.Foundation;

/// <summary>What a file is replaced by, and what is never replaced.</summary>
[TestClass]
public class SafeFileTests
{
    private string _folder = "";

    [TestInitialize]
    public void MakeFolder()
        => _folder = Directory.CreateDirectory(Path.Combine(TestAssembly.TemporaryFolder, $"safe-{Guid.NewGuid():n}")).FullName;

    [TestMethod]
    public void A_file_is_made_and_replaced_and_nothing_is_left_beside_it()
    {
        foreach (var name in new[] { "model.zip", new string('n', 255), "日本" + new string('語', 82), "no-extension" })
        {
            Save(In(name), "the first, which is longer");
            Save(In(name), "the second");
            Assert.AreEqual("the second", File.ReadAllText(In(name)));
            Assert.ContainsSingle(Directory.GetFileSystemEntries(_folder));
            File.Delete(In(name));
        }
    }

    [TestMethod]
    public void Whatever_the_content_throws_the_file_of_before_is_whole()
    {
        Save(In("a"), "before");
        Assert.ThrowsExactly<InvalidOperationException>(() => SafeFile.Write(In("a"), stream =>
        {
            stream.Write(new byte[1 << 20]);
            throw new InvalidOperationException("cannot go on");
        }));
        Assert.AreEqual("before", File.ReadAllText(In("a")));
        Assert.ContainsSingle(Directory.GetFileSystemEntries(_folder));
    }

    [TestMethod]
    public void While_one_is_written_readers_see_the_file_of_before_and_another_saver_is_not_disturbed()
    {
        Save(In("a"), "before");
        SafeFile.Write(In("a"), stream =>
        {
            stream.Write("outer"u8);
            Assert.AreEqual("before", File.ReadAllText(In("a")));
            Save(In("a"), "inner");
            Assert.AreEqual("inner", File.ReadAllText(In("a")));
        });
        Assert.AreEqual("outer", File.ReadAllText(In("a")));
        Assert.ContainsSingle(Directory.GetFileSystemEntries(_folder));
    }

    // As Windows does; what holds the file there is often a virus scanner, for a moment.
    [TestMethod]
    [DataRow(3)]
    [DataRow(int.MaxValue)]
    public void A_file_that_is_open_elsewhere_is_waited_for_and_then_the_new_one_stays_beside_it(int refusals)
    {
        Save(In("a"), "before");
        var operations = FileOperations.Current;
        FileOperations.Current = new HeldFile(refusals);
        try
        {
            if (refusals == int.MaxValue)
                StringAssert.Contains(Assert.Throws<IOException>(() => Save(In("a"), "after")).Message, "Another program has it open.");
            else
                Save(In("a"), "after");
        }
        finally
        {
            FileOperations.Current = operations;
        }
        Assert.AreEqual(refusals == int.MaxValue ? "before" : "after", File.ReadAllText(In("a")));
        var beside = Directory.GetFiles(_folder).Where(file => file != In("a")).ToArray();
        if (refusals == int.MaxValue)
            Assert.AreEqual("after", File.ReadAllText(beside.Single()));
        else
            Assert.IsEmpty(beside);
    }

    [TestMethod]
    public void A_link_stays_and_the_file_that_it_names_is_written()
    {
        SkipOnWindows("links need a privilege there");
        Directory.CreateDirectory(In("real/deep"));
        Directory.CreateSymbolicLink(In("short"), In("real/deep"));
        File.CreateSymbolicLink(In("real/deep/up"), "../target"); // from where the link really lies, not from 'short'
        File.CreateSymbolicLink(In("first"), "short/up");

        Save(In("first"), "new"); // the target is not there yet
        Save(In("first"), "newer");

        Assert.AreEqual("newer", File.ReadAllText(In("real/target")));
        Assert.AreEqual("short/up", new FileInfo(In("first")).LinkTarget);
        CollectionAssert.AreEquivalent(new[] { "first", "real", "short", "deep", "target", "up" },
            Directory.GetFileSystemEntries(_folder, "*", SearchOption.AllDirectories).Select(Path.GetFileName)
                .Distinct().ToArray());
    }

    [TestMethod]
    public void Two_points_in_a_link_leave_the_folder_that_was_really_reached()
    {
        SkipOnWindows("links need a privilege there");
        Directory.CreateDirectory(In("far/deep/deeper"));
        Directory.CreateDirectory(In("near"));
        Directory.CreateSymbolicLink(In("near/short"), In("far/deep/deeper"));
        File.CreateSymbolicLink(In("near/link"), "short/../target"); // far/deep/target, not near/target
        File.CreateSymbolicLink(In("absolute"), In("near/short/../../other")); // far/other
        File.WriteAllText(In("far/deep/target"), "before");

        Save(In("near/link"), "after");
        Save(In("absolute"), "after");

        Assert.AreEqual("after", File.ReadAllText(In("far/deep/target")));
        Assert.AreEqual("after", File.ReadAllText(In("far/other")));
        Assert.IsFalse(File.Exists(In("near/target")));
        CollectionAssert.AreEquivalent(new[] { "link", "short" },
            Directory.GetFileSystemEntries(In("near")).Select(Path.GetFileName).ToArray());
    }

    [TestMethod]
    public void Links_in_a_circle_are_an_error()
    {
        SkipOnWindows("links need a privilege there");
        File.CreateSymbolicLink(In("a"), In("b"));
        File.CreateSymbolicLink(In("b"), In("a"));
        StringAssert.Contains(Assert.ThrowsExactly<IOException>(() => Save(In("a"), "new")).Message, "links");
    }

    [TestMethod]
    public void Permissions_are_kept_whatever_the_mask_of_the_process()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Inconclusive("Files have no such permissions there.");
            return;
        }
        foreach (var mode in new[] { Convert.ToInt32("600", 8), Convert.ToInt32("666", 8), Convert.ToInt32("751", 8) })
        {
            Save(In("a"), "before");
            File.SetUnixFileMode(In("a"), (UnixFileMode)mode);
            Save(In("a"), "after");
            Assert.AreEqual((UnixFileMode)mode, File.GetUnixFileMode(In("a")));
        }
    }

    [TestMethod]
    [Timeout(60_000, CooperativeCancellation = true)]
    public void Devices_pipes_and_folders_are_refused_and_stay()
    {
        SkipOnWindows("there are no such files there");
        Process.Start("mkfifo", In("pipe")).WaitForExit();
        File.CreateSymbolicLink(In("link"), "/dev/null");
        Directory.CreateDirectory(In("folder"));
        var before = Directory.GetFileSystemEntries(_folder).Order().ToArray();

        foreach (var path in new[] { "/dev/null", "/dev/full", "/dev/zero", In("link"), In("pipe") }.Where(File.Exists))
        {
            var error = Assert.ThrowsExactly<IOException>(() => Save(path, "new"), path);
            StringAssert.Contains(error.Message, $"'{path}' was not written");
            StringAssert.Contains(error.Message, "a device or a pipe; expected the path of a file");
        }
        foreach (var path in new[] { In("folder"), _folder + "/", In("folder/absent") + "/" })
            StringAssert.Contains(Assert.Throws<IOException>(() => Save(path, "new"), path).Message, "It is a folder");

        CollectionAssert.AreEqual(before, Directory.GetFileSystemEntries(_folder).Order().ToArray());
        Assert.AreEqual(0, new FileInfo("/dev/null").Length);
        Assert.IsNull(new FileInfo("/dev/null").LinkTarget);
    }

    [TestMethod]
    public void An_absent_folder_is_named()
        => StringAssert.Contains(
            Assert.ThrowsExactly<DirectoryNotFoundException>(() => Save(In("absent/model.zip"), "new")).Message, In("absent"));

    [TestMethod]
    public void A_folder_cannot_be_opened_as_a_file()
        => StringAssert.Contains(Assert.ThrowsExactly<IOException>(() => SafeFile.OpenRead(_folder)).Message, "is a folder");

    private static void Save(string path, string text) => SafeFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(text)));

    private static void SkipOnWindows(string reason)
    {
        if (OperatingSystem.IsWindows())
            Assert.Inconclusive(reason);
    }

    private string In(string name) => Path.Combine(_folder, name);

    private sealed class HeldFile(int refusals) : FileOperations
    {
        private const int SharingViolation = unchecked((int)0x80070020);

        public override void Rename(string path, string newPath)
        {
            if (refusals-- > 0)
                throw new IOException("The process cannot access the file because it is being used by another process.", SharingViolation);
            base.Rename(path, newPath);
        }
    }
}
