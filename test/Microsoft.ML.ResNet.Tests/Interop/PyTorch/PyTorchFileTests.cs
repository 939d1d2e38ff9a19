using System.IO.Compression;
using System.Runtime.InteropServices;
using Microsoft.ML.ResNet.Interop.PyTorch;
using Microsoft.ML.ResNet.Tensors;
using Microsoft.ML.ResNet.Tests.Support;

namespace Microsoft.ML.ResNet.Tests.Interop.PyTorch;

[TestClass]
public sealed class PyTorchFileTests
{
    [TestMethod]
    [DataRow("cifar-20.pth", DisplayName = "today's zip")]
    [DataRow("cifar-20-legacy.pth", DisplayName = "before PyTorch 1.6")]
    public void The_golden_files_hold_the_golden_weights(string file)
    {
        var checkpoint = GoldenWeights.ReadFile(GoldenNoise.Path(file));

        GoldenWeights.AssertAreCifar20(checkpoint.Tensors);
        Assert.IsNull(checkpoint.Key);
        Assert.IsEmpty(checkpoint.OtherKeys);
    }

    [TestMethod]
    public void The_published_weights_of_akamaster_are_found_inside_their_checkpoint()
    {
        var checkpoint = GoldenWeights.ReadFile(SharedData.Require("data/resnet20-12fca82f.th"));

        Assert.HasCount(97, checkpoint.Tensors);
        Assert.AreEqual("module.conv1.weight: Float32[16, 3, 3, 3]", checkpoint.Tensors[0].ToString());
        Assert.AreEqual("module.linear.bias: Float32[10]", checkpoint.Tensors[^1].ToString());
        Assert.AreEqual(269_722, checkpoint.Tensors.Where(tensor => !tensor.Name.Contains("running_")).Sum(tensor => tensor.ElementCount));
        Assert.AreEqual("state_dict", checkpoint.Key);
    }

    [TestMethod]
    public void Names_of_protocol_4_are_read()
    {
        byte[] pickle = [(byte)'}', 0x8C, 2, .. "ä"u8, .. PickleText.Tensor("0", 4, 0, [4], [1]), (byte)'s'];

        Assert.AreEqual("ä: Float32[4]",
            PyTorchFile.Read(new MemoryStream(PickleText.Archive(pickle, ("0", [1, 2, 3, 4])))).Tensors.Single().ToString());
    }

    [TestMethod]
    [DataRow(new byte[] { (byte)'C', 3, 1, 2, 3 }, DisplayName = "bytes that are passed over")]
    [DataRow(new byte[] { (byte)'X', 1, 0, 0, 0, (byte)'a' }, DisplayName = "text")]
    [DataRow(new byte[] { (byte)'N', (byte)'N' }, DisplayName = "instructions without arguments")]
    public void A_message_tells_how_many_bytes_of_the_pickle_were_read(byte[] before)
    {
        var file = PickleText.Archive([.. before, 0xFF]);

        var error = Assert.ThrowsExactly<WeightsFormatException>(() => PyTorchFile.Read(new MemoryStream(file)));
        StringAssert.Contains(error.Message, $"At byte {2 + before.Length + 1} of data.pkl"); // protocol, those, and the wrong one
    }

    [TestMethod]
    public void Objects_and_marks_are_dropped_and_doubled_as_Python_does()
    {
        var state = PickleText.Dictionary(("a", PickleText.Tensor("0", 4, 0, [4], [1])));
        const byte mark = (byte)'(', none = (byte)'N', pop = (byte)'0', duplicate = (byte)'2';
        foreach (var before in (byte[][])[[mark, pop], [none, duplicate, pop, pop], [mark, none, pop, pop]])
            Assert.HasCount(1,
                PyTorchFile.Read(new MemoryStream(PickleText.Archive([.. before, .. state], ("0", [1, 2, 3, 4])))).Tensors);
        foreach (var before in (byte[][])[[pop], [mark, none, pop], [none, duplicate, pop], [duplicate]])
            Assert.ThrowsExactly<WeightsFormatException>(
                () => PyTorchFile.Read(new MemoryStream(PickleText.Archive([.. before, .. state], ("0", [1, 2, 3, 4])))));
    }

    [TestMethod]
    public void An_ordered_dictionary_of_pairs_as_Python_2_writes_it_holds_them()
    {
        var pairs = PickleText.List(PickleText.Tuple(PickleText.Text("b"), PickleText.Tensor("0", 4, 0, [4], [1])),
            PickleText.List(PickleText.Text("a"), PickleText.Tensor("0", 4, 1, [3], [1])));
        var state = PickleText.Call(PickleText.Global("collections", "OrderedDict"), pairs);

        CollectionAssert.AreEqual(new[] { "b: Float32[4]", "a: Float32[3]" }, PyTorchFile.Read(new MemoryStream(
            PickleText.Archive(state, ("0", [1, 2, 3, 4])))).Tensors.Select(tensor => tensor.ToString()).ToArray());
    }

    [TestMethod]
    public void Storages_that_nobody_needs_are_passed_over_in_the_layout_of_before()
    {
        var state = PickleText.Dictionary(("optimizer", PickleText.Dictionary(("m", PickleText.Tensor("0", 3, 0, [3], [1])))),
            ("state_dict", PickleText.Dictionary(("w", PickleText.Tensor("1", 2, 0, [2], [1])))));

        var read = PyTorchFile.Read(new MemoryStream(PickleText.Legacy(state, ("0", [7, 8, 9]), ("1", [1, 2]))));

        CollectionAssert.AreEqual(new float[] { 1, 2 }, MemoryMarshal.Cast<byte, float>(read.Tensors.Single().Data.Span).ToArray());
    }

    [TestMethod]
    public void Tensors_have_64_dimensions_at_most()
    {
        Assert.HasCount(64, Read(64).Tensors.Single().Shape);
        StringAssert.Contains(Assert.ThrowsExactly<WeightsFormatException>(() => Read(65)).Message, "at most 64 dimensions");

        static PyTorchCheckpoint Read(int dimensions)
        {
            int[] ones = [.. Enumerable.Repeat(1, dimensions)];
            var state = PickleText.Dictionary(("w", PickleText.Tensor("0", 1, 0, ones, ones)));
            return PyTorchFile.Read(new MemoryStream(PickleText.Archive(state, ("0", [1]))));
        }
    }

    [TestMethod]
    public void A_stream_that_cannot_seek_is_refused_with_advice()
        => StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => PyTorchFile.Read(new ForwardOnlyStream([]))).Message,
            "copy it to a file or a MemoryStream");

    [TestMethod]
    public void Weights_are_found_under_four_keys_and_not_under_five()
    {
        var state = PickleText.Dictionary(("w", PickleText.Tensor("0", 4, 0, [4], [1])));
        foreach (var key in new[] { "d", "c", "b", "a" })
            state = PickleText.Dictionary((key, state));

        Assert.AreEqual("a/b/c/d", PyTorchFile.Read(new MemoryStream(PickleText.Archive(state, ("0", [1, 2, 3, 4])))).Key);
        Assert.ThrowsExactly<WeightsFormatException>(() => PyTorchFile.Read(
            new MemoryStream(PickleText.Archive(PickleText.Dictionary(("root", state)), ("0", [1, 2, 3, 4])))));
    }

    [TestMethod]
    public void A_repacked_and_compressed_archive_gives_the_same_weights()
    {
        using var packed = new MemoryStream();
        using (var source = ZipFile.OpenRead(GoldenNoise.Path("cifar-20.pth")))
        using (var target = new ZipArchive(packed, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var entry in source.Entries)
            {
                using var from = entry.Open();
                using var to = target.CreateEntry(entry.FullName, CompressionLevel.Fastest).Open();
                from.CopyTo(to);
            }
        }

        GoldenWeights.AssertAreCifar20(PyTorchFile.Read(packed).Tensors);
    }

    [TestMethod]
    public void Views_are_read_as_tensors_of_their_own()
    {
        // One storage 0..11; a 3x4 matrix, its transpose, its lower two rows, and its second column.
        var pickle = PickleText.Dictionary(
            ("whole", PickleText.Tensor("0", 12, 0, [3, 4], [4, 1])),
            ("transposed", PickleText.Tensor("0", 12, 0, [4, 3], [1, 4])),
            ("rows", PickleText.Tensor("0", 12, 4, [2, 4], [4, 1])),
            ("column", PickleText.Tensor("0", 12, 1, [3, 1], [4, 7])),
            ("nothing", PickleText.Tensor("0", 12, 12, [0, 3], [3, 1])));
        var file = PickleText.Archive(pickle, ("0", Enumerable.Range(0, 12).Select(i => (float)i).ToArray()));

        var tensors = PyTorchFile.Read(new MemoryStream(file)).Tensors;

        CollectionAssert.AreEqual(new float[] { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 }, Values(tensors[0]));
        CollectionAssert.AreEqual(new float[] { 0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11 }, Values(tensors[1]));
        CollectionAssert.AreEqual(new float[] { 4, 5, 6, 7, 8, 9, 10, 11 }, Values(tensors[2]));
        CollectionAssert.AreEqual(new float[] { 1, 5, 9 }, Values(tensors[3]));
        CollectionAssert.AreEqual(new long[] { 0, 3 }, tensors[4].Shape.ToArray());
        Assert.AreEqual(0, tensors[4].Data.Length);
    }

    [TestMethod]
    [DataRow("state_dict")]
    [DataRow("net")]
    [DataRow("model")]
    [DataRow("model_state_dict")]
    [DataRow("model_state")]
    [DataRow("any name")]
    public void A_state_dictionary_is_found_in_a_checkpoint(string key)
    {
        var pickle = PickleText.Dictionary(
            ("epoch", PickleText.Integer(7)),
            ("optimizer", PickleText.Dictionary(("lr", PickleText.Integer(1)))),
            (key, PickleText.Dictionary(("a", PickleText.Tensor("0", 2, 0, [2], [1])))),
            ("arch", PickleText.Text("resnet20")));

        var checkpoint = PyTorchFile.Read(new MemoryStream(PickleText.Archive(pickle, ("0", [1, 2]))));

        Assert.AreEqual("a: Float32[2]", checkpoint.Tensors.Single().ToString());
        Assert.AreEqual(key, checkpoint.Key);
    }

    [TestMethod]
    public void A_checkpoint_without_a_state_dictionary_lists_its_keys()
    {
        var pickle = PickleText.Dictionary(("epoch", PickleText.Integer(7)), ("weights", PickleText.Dictionary()));

        var error = Assert.ThrowsExactly<WeightsFormatException>(() => PyTorchFile.Read(new MemoryStream(PickleText.Archive(pickle))));

        StringAssert.Contains(error.Message, "found the keys 'epoch', 'weights'");
    }

    [TestMethod]
    public void Other_files_are_named_as_such()
    {
        StringAssert.Contains(ErrorOf([]), "an empty file");
        StringAssert.Contains(ErrorOf("hello"u8.ToArray()), "68656C6C");
        StringAssert.Contains(ErrorOf([0x80, 2, (byte)'N', (byte)'.']), "magic number");
        StringAssert.Contains(ErrorOf(ArchiveOf("readme.txt")), "'readme.txt'");
    }

    internal static byte[] ArchiveOf(string name)
    {
        using var stream = new MemoryStream();
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
            archive.CreateEntry(name);
        return stream.ToArray();
    }

    private static string ErrorOf(byte[] bytes)
        => Assert.ThrowsExactly<WeightsFormatException>(() => PyTorchFile.Read(new MemoryStream(bytes))).Message;

    private static float[] Values(NamedTensor tensor) => MemoryMarshal.Cast<byte, float>(tensor.Data.Span).ToArray();
}
