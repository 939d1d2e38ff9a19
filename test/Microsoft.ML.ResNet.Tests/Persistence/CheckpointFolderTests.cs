using Microsoft.ML.ResNet.Persistence;
using Microsoft.ML.ResNet.Tensors;
using Microsoft.ML.ResNet.Tests.Support;

namespace Microsoft.ML.ResNet.Tests.Persistence;

/// <summary>A folder of checkpoints holds whole ones only, whatever happens to files and disks.</summary>
[TestClass]
public class CheckpointFolderTests
{
    private string _folder = "";

    [TestInitialize]
    public void MakeFolder() => _folder = Path.Combine(TestAssembly.TemporaryFolder, $"checkpoints-{Guid.NewGuid():n}");

    [TestMethod]
    public void Damaged_anywhere_the_newest_is_passed_over_for_the_one_before()
    {
        Write(1);
        Write(2);
        var newest = Newest();
        var bytes = File.ReadAllBytes(newest);
        for (var index = 0; index < bytes.Length; index++)
        {
            var damaged = bytes.ToArray();
            damaged[index] ^= 1;
            AssertPassedOver(newest, damaged, $"byte {index} of {bytes.Length} is another");
        }
        for (var length = 0; length < bytes.Length; length += 7)
            AssertPassedOver(newest, bytes[..length], $"cut to {length} bytes");
    }

    [TestMethod]
    public void What_a_process_left_that_died_while_it_wrote_is_no_checkpoint_and_goes_with_the_next()
    {
        Write(1);
        var unfinished = Path.Combine(_folder, "checkpoint-000000000002.safetensors.unfinished");
        File.WriteAllBytes(unfinished, File.ReadAllBytes(Newest())[..50]);

        Assert.AreEqual("1", Read().Metadata["number"]);
        Write(3);

        Assert.IsFalse(File.Exists(unfinished));
        Assert.AreEqual("3", Read().Metadata["number"]);
    }

    [TestMethod]
    public void Half_a_file_of_a_process_that_died_makes_room_before_the_next_is_written()
    {
        Write(1);
        var unfinished = Path.Combine(_folder, "checkpoint-000000000002.safetensors.unfinished");
        File.WriteAllBytes(unfinished, new byte[50]);
        var create = Operations(() => Write(3)).IndexOf("create") + 1;
        Assert.IsFalse(File.Exists(unfinished));
        File.WriteAllBytes(unfinished, new byte[50]);

        using (var files = new FailingFileOperations(create))
            Assert.Throws<IOException>(() => Write(4));

        Assert.IsFalse(File.Exists(unfinished), "it would keep the disk full");
    }

    [TestMethod]
    public void A_full_disk_costs_the_checkpoint_and_nothing_else()
    {
        Write(1);
        var operations = Operations(() => Write(2));
        Directory.Delete(_folder, recursive: true);
        Write(1);

        using (var files = new FailingFileOperations(operations.IndexOf("write") + 1))
            StringAssert.Contains(Assert.Throws<IOException>(() => Write(2)).Message, "No space left");

        Assert.AreEqual("1", Read().Metadata["number"]);
        Assert.HasCount(1, Directory.GetFiles(_folder), "half a file would keep the disk full");
    }

    [TestMethod]
    public void What_a_user_keeps_in_the_folder_is_neither_read_nor_deleted()
    {
        foreach (var number in Enumerable.Range(1, 3))
            Write(number);
        string[] kept = ["checkpoint-000000000008-keep.safetensors", "checkpoint-best.safetensors", "checkpoint-9.safetensors",
            "checkpoint-0000000000009.safetensors", "checkpoint-000000000009.safetensors.bak", "my checkpoint-000000000009.safetensors",
            "checkpoint-best.safetensors.unfinished", "probe.unfinished.txt", "notes.unfinished"];
        foreach (var name in kept)
            File.Copy(Newest(), Path.Combine(_folder, name));

        Write(4);

        Assert.AreEqual("4", Read().Metadata["number"]);
        CollectionAssert.AreEquivalent(
            kept.Append("checkpoint-000000000003.safetensors").Append("checkpoint-000000000004.safetensors").ToArray(),
            Directory.GetFiles(_folder).Select(Path.GetFileName).ToArray());
        foreach (var number in new[] { 3, 4 })
            File.Delete(Path.Combine(_folder, $"checkpoint-00000000000{number}.safetensors"));
        Assert.IsFalse(new CheckpointFolder(_folder).HasCheckpoints);
        Assert.IsNull(new CheckpointFolder(_folder).ReadNewest(Assert.Fail));
    }

    [TestMethod]
    public void A_checkpoint_that_cannot_be_read_just_now_stays_and_no_older_one_takes_its_place()
    {
        Write(1);
        Write(2);
        var newest = Newest();
        foreach (var operation in new[] { "list", "open", "read" })
        {
            var place = Operations(() => Read()).IndexOf(operation) + 1;
            using (var files = new FailingFileOperations(place))
            {
                var error = Assert.ThrowsExactly<IOException>(() => new CheckpointFolder(_folder).ReadNewest(Assert.Fail), operation);
                if (operation != "list")
                    StringAssert.Contains(error.Message, $"'{newest}' could not be read, and training has not begun");
            }
            Assert.HasCount(2, Directory.GetFiles(_folder), operation);
            Assert.AreEqual("2", Read().Metadata["number"], operation);
        }
    }

    [TestMethod]
    public void The_two_newest_are_kept()
    {
        foreach (var number in Enumerable.Range(8, 4))
            Write(number);
        CollectionAssert.AreEqual(new[] { "checkpoint-000000000010.safetensors", "checkpoint-000000000011.safetensors" },
            Directory.GetFiles(_folder).Select(Path.GetFileName).Order().ToArray());
    }

    [TestMethod]
    public void A_folder_that_can_be_written_to_stays_empty_when_it_is_tried()
    {
        Assert.IsNull(new CheckpointFolder(_folder).WhyNotWritable());
        Assert.IsEmpty(Directory.GetFileSystemEntries(_folder));
    }

    [TestMethod]
    public void A_folder_that_cannot_be_written_to_says_why()
    {
        if (!Directory.Exists("/proc/self"))
            Assert.Inconclusive("This system has no folder that even its administrator cannot write to.");
        Assert.IsNotNull(new CheckpointFolder("/proc/self/checkpoints").WhyNotWritable());
    }

    private void AssertPassedOver(string newest, byte[] damaged, string how)
    {
        File.WriteAllBytes(newest, damaged);
        var complaints = new List<string>();
        Assert.AreEqual("1", new CheckpointFolder(_folder).ReadNewest(complaints.Add)?.Metadata["number"], how);
        Assert.HasCount(1, complaints, how);
        Assert.IsFalse(File.Exists(newest), "it was put aside");
    }

    private static List<string> Operations(Action act)
    {
        using var files = new FailingFileOperations(at: 0);
        act();
        return files.Done;
    }

    private void Write(int number)
        => new CheckpointFolder(_folder).Write(number, new Dictionary<string, string> { ["number"] = $"{number}" },
        [new NamedTensor("weights/w", ElementType.Float32, [2], BitConverter.GetBytes((long)number)),
            new NamedTensor("best/w", ElementType.Int64, [], new byte[8])]);

    private Checkpoint Read() => new CheckpointFolder(_folder).ReadNewest(Assert.Fail)!;

    private string Newest() => Directory.GetFiles(_folder).Order().Last();
}
