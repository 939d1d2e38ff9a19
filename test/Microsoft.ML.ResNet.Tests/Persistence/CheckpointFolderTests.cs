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
    public void A_full_disk_costs_the_checkpoint_and_nothing_else()
    {
        if (!File.Exists("/dev/full"))
            Assert.Inconclusive("This system has no /dev/full.");
        Write(1);
        var full = Path.Combine(_folder, "checkpoint-000000000002.safetensors.unfinished");
        File.CreateSymbolicLink(full, "/dev/full");

        var error = Assert.Throws<IOException>(() => Write(2));

        StringAssert.Contains(error.Message, "No space left");
        Assert.AreEqual("1", Read().Metadata["number"]);
        Assert.HasCount(1, Directory.GetFiles(_folder), "half a file would keep the disk full");
        Assert.IsTrue(File.Exists("/dev/full"));
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

    private void Write(int number)
        => new CheckpointFolder(_folder).Write(number, new Dictionary<string, string> { ["number"] = $"{number}" },
        [new NamedTensor("weights/w", ElementType.Float32, [2], BitConverter.GetBytes((long)number)),
            new NamedTensor("best/w", ElementType.Int64, [], new byte[8])]);

    private Checkpoint Read() => new CheckpointFolder(_folder).ReadNewest(Assert.Fail)!;

    private string Newest() => Directory.GetFiles(_folder).Order().Last();
}
