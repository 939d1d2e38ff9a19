using Microsoft.ML.ResNet.Data;
using Microsoft.ML.ResNet.Tests.Support;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Tests.Data;

/// <summary>The temporary file on disks that are full, wrong or interfered with, and the budget that calls for it.</summary>
[TestClass]
public sealed class PixelFileTests
{
    private static readonly ImageShape Shape = new(1, 2, 2);
    private static readonly StoredRow Row = StoredRow.Of(Shape);

    private readonly string _folder =
        Directory.CreateDirectory(Path.Combine(TestAssembly.TemporaryFolder, $"file-{Guid.NewGuid():n}")).FullName;

    [TestMethod]
    public void Images_are_read_back_in_any_order()
    {
        using var file = PixelFile.Create(_folder, Row, expectedBytes: 12);
        file.Append([1, 2, 3, 4, 5, 6, 7, 8]);
        file.Append([9, 10, 11, 12]);

        CollectionAssert.AreEqual(new byte[] { 9, 10, 11, 12 }, Read(file, 2));
        CollectionAssert.AreEqual(new byte[] { 1, 2, 3, 4 }, Read(file, 0));
        CollectionAssert.AreEqual(new byte[] { 5, 6, 7, 8 }, Read(file, 1));
    }

    [TestMethod]
    public void The_file_has_no_name_that_could_outlive_the_process()
    {
        if (OperatingSystem.IsWindows())
            Assert.Inconclusive("Windows deletes the file when the process ends; it has a name until then.");
        using var file = PixelFile.Create(_folder, Row, expectedBytes: 4);
        file.Append([1, 2, 3, 4]);
        Assert.IsEmpty(Directory.GetFiles(_folder));
    }

    [TestMethod]
    public void A_disk_that_fills_up_is_told_with_what_to_do()
    {
        if (!File.Exists("/dev/full"))
            Assert.Inconclusive("This system has no device that is always full.");
        using var file =
            new PixelFile(new FileStream("/dev/full", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0), Row);

        var error = Assert.ThrowsExactly<IOException>(() => file.Append([1, 2, 3, 4]));

        StringAssert.Contains(error.Message, "'/dev/full' could not be written beyond 0 bytes");
        StringAssert.Contains(error.Message, "No space left");
        StringAssert.Contains(error.Message, "Set ImageSpillDirectory to a folder on a disk with room");
    }

    [TestMethod]
    public void Too_little_room_is_told_before_anything_is_written()
    {
        var error = Assert.ThrowsExactly<IOException>(() => PixelFile.Create(_folder, Row, expectedBytes: long.MaxValue));

        StringAssert.Contains(error.Message, $"'{_folder}' has no room for them: {long.MaxValue} bytes are needed, ");
        Assert.IsEmpty(Directory.GetFiles(_folder));
        SpillFolder.CheckRoom(_folder, 10, freeBytes: 10);
        SpillFolder.CheckRoom(_folder, 10, freeBytes: null);
        Assert.ThrowsExactly<IOException>(() => SpillFolder.CheckRoom(_folder, 10, freeBytes: 9));
    }

    [TestMethod]
    public void A_folder_that_is_not_there_is_named()
    {
        var missing = Path.Combine(_folder, "missing");
        Assert.IsNull(SpillFolder.FreeBytes(missing));

        var error = Assert.ThrowsExactly<IOException>(() => PixelFile.Create(missing, Row, expectedBytes: 4));

        StringAssert.Contains(error.Message, $"no temporary file for them could be made in '{missing}'");
        Assert.IsFalse(Directory.Exists(missing));
    }

    [TestMethod]
    public void A_file_that_lost_its_end_surfaces_where_the_batch_is_taken()
    {
        ResNetRuntime.EnsureStarted();
        var stream = new FileStream(Path.Combine(_folder, "short"), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite,
            bufferSize: 0);
        var file = new PixelFile(stream, Row);
        file.Append(new byte[40]);
        stream.SetLength(30);
        using var store = new FilePixelStore(file, zeros(10, ScalarType.Int64), weights: null);

        var taken = 0;
        var error = Assert.ThrowsExactly<IOException>(() =>
        {
            foreach (var rows in store.ReadAhead(Enumerable.Range(0, 5)
                .Select(batch => new ArraySegment<long>([2 * batch, 2 * batch + 1]))))
                taken++;
        });

        StringAssert.Contains(error.Message, "ends at 30 of 40 bytes");
        Assert.AreEqual(3, taken, "batches before the end");
        Assert.ThrowsExactly<IOException>(() => store.Take(new long[] { 7 }));
    }

    [TestMethod]
    public void The_budget_is_the_option_or_half_of_what_the_process_may_use()
    {
        Assert.AreEqual(3L << 20, ImageMemory.Of(3, null).Budget);
        Assert.AreEqual((long)int.MaxValue << 20, ImageMemory.Of(int.MaxValue, null).Budget);
        Assert.AreEqual(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2, ImageMemory.Of(null, null).Budget);
        Assert.IsGreaterThan(1L << 20, ImageMemory.Of(null, null).Budget);
        Assert.AreEqual("somewhere", ImageMemory.Of(null, "somewhere").Folder);
        Assert.IsTrue(Directory.Exists(ImageMemory.Of(null, null).Folder));
    }

    [TestMethod]
    public void Images_stay_in_memory_up_to_the_budget_which_two_sets_share()
    {
        ResNetRuntime.EnsureStarted();
        var memory = new ImageMemory(40, _folder);
        Assert.IsTrue(memory.Holds(10, Shape));
        Assert.IsFalse(memory.Holds(11, Shape));
        Assert.IsFalse(memory.Holds(int.MaxValue, new ImageShape(4, 16_384, 16_384)));

        using var small = new MemoryPixelStore(zeros([4, 1, 2, 2], ScalarType.Byte), zeros(4, ScalarType.Int64), weights: null);
        using var large = new MemoryPixelStore(zeros([11, 1, 2, 2], ScalarType.Byte), zeros(11, ScalarType.Int64), weights: null);
        using var onDisk = new FilePixelStore(PixelFile.Create(_folder, Row, 0), zeros(11, ScalarType.Int64), weights: null);
        Assert.AreEqual(24, memory.Beside(small).Budget);
        Assert.AreEqual(0, memory.Beside(large).Budget);
        Assert.AreEqual(40, memory.Beside(onDisk).Budget);
    }

    [TestMethod]
    public void Only_images_in_memory_and_of_moderate_size_move_to_a_device_as_a_whole()
    {
        Assert.IsTrue(ImageMemory.FitsDevice(2L << 30));
        Assert.IsFalse(ImageMemory.FitsDevice((2L << 30) + 1));
        Assert.IsFalse(ImageMemory.FitsDevice(null));
    }

    private static byte[] Read(PixelFile file, long row)
    {
        var image = new byte[Shape.Size];
        file.Read(row, image);
        return image;
    }
}
