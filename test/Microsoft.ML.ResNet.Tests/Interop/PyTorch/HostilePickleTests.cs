using System.Diagnostics;
using System.IO.Compression;
using System.Text;
using Microsoft.ML.ResNet.Interop.PyTorch;
using Microsoft.ML.ResNet.Tests.Support;

namespace Microsoft.ML.ResNet.Tests.Interop.PyTorch;

/// <summary>Files made to do harm, or damaged: one exception, soon, and little memory.</summary>
[TestClass]
public sealed class HostilePickleTests
{
    private const long MemoryLimit = 16 << 20;

    private static readonly byte[] GoodTensor = PickleText.Tensor("0", 4, 0, [4], [1]);

    [TestMethod]
    [DataRow("os", "system")]
    [DataRow("posix", "system")]
    [DataRow("builtins", "eval")]
    [DataRow("__builtin__", "exec")]
    [DataRow("subprocess", "Popen")]
    [DataRow("torch.storage", "_load_from_bytes")]
    [DataRow("torch.nn.modules.linear", "Linear")]
    [DataRow("numpy.core.multiarray", "scalar")]
    public void Code_is_passed_over_wherever_it_hides_and_never_becomes_a_tensor(string module, string name)
    {
        var evil = PickleText.Call(PickleText.Global(module, name), PickleText.Text("touch /tmp/owned"));
        byte[][] hidings =
        [
            PickleText.Dictionary(("a", GoodTensor), ("b", evil)),
            PickleText.Dictionary(("state_dict", PickleText.Dictionary(("a", GoodTensor), ("b", evil)))),
            PickleText.Dictionary(("b", evil), ("state_dict", PickleText.Dictionary(("a", GoodTensor)))),
            PickleText.Dictionary(("a", GoodTensor),
                ("b", PickleText.Call(PickleText.Global("torch._utils", "_rebuild_parameter"), evil, PickleText.None))),
            PickleText.Dictionary(("a", GoodTensor), ("b", PickleText.Call(evil, PickleText.None))), // calls what the call gave
            [.. PickleText.Dictionary(("a", GoodTensor)), .. PickleText.Dictionary(("x", evil)), (byte)'b'],
            PickleText.Dictionary(("a", GoodTensor),
                ("b", [.. PickleText.Text(module), .. PickleText.Text(name), 0x93, .. PickleText.Tuple(), (byte)'R'])),
            PickleText.Dictionary(("a", GoodTensor), ("b", [(byte)'(', (byte)'i', .. Encoding.UTF8.GetBytes($"{module}\n{name}\n")])),
            PickleText.Dictionary(("a", GoodTensor), ("b", [(byte)'(', .. PickleText.Global(module, name), (byte)'o'])),
            PickleText.Dictionary(("a", GoodTensor), ("b", PickleText.Instance(module, name, ("x", evil)))),
            PickleText.Dictionary(("a", GoodTensor),
                ("b", [.. PickleText.Global(module, name), .. PickleText.Tuple(), .. PickleText.Dictionary(), 0x92])),
        ];

        foreach (var hiding in hidings)
            foreach (var file in new[] { PickleText.Archive(hiding, ("0", [1, 2, 3, 4])), PickleText.Legacy(hiding, ("0", [1, 2, 3, 4])) })
                Assert.AreEqual("a: Float32[4]", PyTorchFile.Read(new MemoryStream(file)).Tensors.Single().ToString());
    }

    [TestMethod]
    public void A_file_of_nothing_but_code_is_refused_and_says_that_it_was_not_run()
    {
        var evil = PickleText.Call(PickleText.Global("os", "system"), PickleText.Text("touch /tmp/owned"));

        AssertRefused(PickleText.Archive(evil), "an object of 'os.system', which is not created and whose code is not run", "a state_dict");
        AssertRefused(PickleText.Archive(PickleText.Dictionary(("a", PickleText.Call(
            PickleText.Global("torch._utils", "_rebuild_parameter"), evil)))), "found the keys 'a'");
        AssertRefused(PickleText.Archive(PickleText.Dictionary(
            ("a", [.. PickleText.Tuple(PickleText.Text("storage"), evil, PickleText.Text("0"), PickleText.None, PickleText.Integer(1)),
                (byte)'Q']))), "expected a storage");
    }

    [TestMethod]
    [DataRow("\u0082", DisplayName = "EXT1")]
    [DataRow("P", DisplayName = "PERSID")]
    [DataRow("\u0097", DisplayName = "NEXT_BUFFER")]
    [DataRow("I", DisplayName = "INT")]
    public void Instructions_that_files_with_weights_never_use_are_unknown(string opcode)
    {
        var code = Encoding.Latin1.GetBytes(opcode + "os\nsystem\n");

        AssertRefused(PickleText.Archive([.. PickleText.None, .. PickleText.Tuple(), .. code]), $"opcode 0x{(int)opcode[0]:X2}");
    }

    [TestMethod]
    public void A_model_that_contains_itself_ends()
    {
        // m = M(); m.__dict__ = {'_modules': {'m': m}, '_parameters': {'a': tensor}}: a is found at every level that is looked at
        byte[] itself = [.. PickleText.Global("m", "M"), .. PickleText.Tuple(), 0x81, (byte)'q', 0,
            .. PickleText.Dictionary(("_modules", PickleText.Dictionary(("m", [(byte)'h', 0]))),
                ("_parameters", PickleText.Dictionary(("a", GoodTensor)))), (byte)'b'];

        Assert.HasCount(33, PyTorchFile.Read(new MemoryStream(PickleText.Archive(itself, ("0", [1, 2, 3, 4])))).Tensors);
    }

    [TestMethod]
    [Timeout(60_000, CooperativeCancellation = true)]
    public void A_small_model_of_endless_size_is_refused()
    {
        // each of 30 modules has the one before it twice: 2^30 in all
        byte[] model = [.. PickleText.Instance("m", "M", ("_parameters", PickleText.Dictionary(("a", GoodTensor)))), (byte)'q', 0];
        for (byte level = 1; level <= 30; level++)
            model = [.. model, (byte)'0', .. PickleText.Instance("m", "M", ("_modules", PickleText.Dictionary(
                ("x", [(byte)'h', (byte)(level - 1)]), ("y", [(byte)'h', (byte)(level - 1)])))), (byte)'q', level];

        var error = Assert.ThrowsExactly<WeightsFormatException>(() => PyTorchFile.Read(new MemoryStream(PickleText.Archive(model))));

        StringAssert.Contains(error.Message, "at most 1000000 members");
    }

    [TestMethod]
    public void Many_pairs_of_long_names_take_little_memory()
    {
        // two remembered texts of 250 bytes, named as a global 100,000 times
        byte[] code = [.. PickleText.Text(new string('m', 250)), (byte)'q', 0, .. PickleText.Text(new string('n', 250)), (byte)'q', 1];
        byte[] global = [(byte)'h', 0, (byte)'h', 1, 0x93];

        var file = PickleText.Archive([.. code, .. Enumerable.Repeat(global, 100_000).SelectMany(part => part)]);

        Assert.IsFalse(Hostile.TryRead(file, stream => PyTorchFile.Read(stream), memoryLimit: 32 << 20));
    }

    [TestMethod]
    public void Nonsense_for_the_stack_machine_is_refused()
    {
        foreach (var code in new[] { "", "R", "Q", "t", "(", "u", "a", "e", "b", "s", "q\0", "h\0", "h\u0007", "NN", "NR", "N)R", "N)b",
            "NNa", "(NNe", "NNs", "\u0090", "\u0091", "o", "(o", "(No", "N)\u0081", "N)}\u0092", "0", "1", "2", "(2",
            "B\u00ff\u00ff\u00ff\u00ff", "C\u0009", "\u008e\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff",
            "\u008b\u00ff\u00ff\u00ff\u00ff", "}(Nu", "\u0085", "(N\u0086", ")Q", "]r\u00ff\u00ff\u00ff\u007f",
            "X\u00ff\u00ff\u00ff\u00ffa", "T\u00ff\u00ff\u00ff\u00ffa", "X\u0001\0\0\0\u00ff", "\u0095", "\u008a\u0040" })
            AssertRefused(PickleText.Archive(Encoding.Latin1.GetBytes(code)), "byte");
        AssertRefused(PickleText.Archive([(byte)'c', .. Enumerable.Repeat((byte)'a', 1000), (byte)'\n']), "256");
    }

    [TestMethod]
    public void Tensors_that_leave_their_storage_are_refused()
    {
        AssertTensorRefused(PickleText.Tensor("0", 4, 0, [5], [1]), "reaches element 4");
        AssertTensorRefused(PickleText.Tensor("0", 4, 1, [4], [1]), "reaches element 4");
        AssertTensorRefused(PickleText.Tensor("0", 4, -1, [4], [1]), "an offset");
        AssertTensorRefused(PickleText.Tensor("0", 4, 0, [2, 2], [-1, 1]), "0 or more");
        AssertTensorRefused(PickleText.Tensor("0", 4, 0, [2, 2], [2]), "2 dimensions and 1 strides");
        AssertTensorRefused(PickleText.Tensor("0", 4, 0, [int.MaxValue, int.MaxValue], [0, 0]), "at most");
        AssertTensorRefused(PickleText.Tensor("0", 5, 0, [4], [1]), "expected 20 bytes", "expected 5 elements, found 4");
        AssertTensorRefused(PickleText.Tensor("0", -1, 0, [4], [1]), "a storage of at most");
        AssertTensorRefused(PickleText.Tensor("1", 4, 0, [4], [1]), "data/'1'", "found '0'");
    }

    [TestMethod]
    public void A_small_file_cannot_ask_for_large_tensors()
    {
        AssertTensorRefused(PickleText.Tensor("0", 4, 0, [200_000_000], [0]), "times their 16 bytes");
        AssertTensorRefused(PickleText.Tensor("0", 400_000_000, 0, [400_000_000], [1]), "1600000000", "found 4");

        using var bomb = new MemoryStream();
        using (var archive = new ZipArchive(bomb, ZipArchiveMode.Create, leaveOpen: true))
        {
            using (var objects = archive.CreateEntry("a/data.pkl").Open())
                objects.Write(PickleText.Whole(PickleText.Dictionary(("a", PickleText.Tensor("0", 50_000_000, 0, [50_000_000], [1])))));
            using (var zeros = archive.CreateEntry("a/data/0", CompressionLevel.Fastest).Open())
                zeros.Write(new byte[200_000_000]);
        }
        AssertRefused(bomb.ToArray(), "100 times");
    }

    [TestMethod]
    public void Endless_containers_end()
    {
        var clock = Stopwatch.StartNew();
        foreach (var code in new[] { "]", "}", "(", "N", "]q\0", "\u008f", "N2", "cm\nn\n", "cm\nn\n)R", "cm\nn\n)\u0081}b" })
        {
            var endless = Encoding.Latin1.GetBytes(string.Concat(Enumerable.Repeat(code, 5_000_000 / code.Length)));
            Assert.IsFalse(Hostile.TryRead(PickleText.Archive(endless), stream => PyTorchFile.Read(stream), memoryLimit: 300 << 20), code);
        }
        Assert.IsLessThan(TimeSpan.FromSeconds(20), clock.Elapsed);
    }

    [TestMethod]
    public void A_dictionary_that_contains_itself_is_harmless()
    {
        // d = {}; d['state_dict'] = d
        byte[] code = [(byte)'}', (byte)'q', 0, .. PickleText.Text("state_dict"), (byte)'h', 0, (byte)'s'];

        AssertRefused(PickleText.Archive(code), "found the keys 'state_dict'");
    }

    [TestMethod]
    public void Truncated_files_are_refused()
    {
        foreach (var name in new[] { "cifar-20.pth", "cifar-20-legacy.pth" })
        {
            var bytes = File.ReadAllBytes(GoldenNoise.Path(name));
            for (var length = 0; length < bytes.Length; length += 997)
                Assert.IsFalse(Hostile.TryRead(bytes[..length], stream => PyTorchFile.Read(stream), MemoryLimit),
                    $"{name}, {length} bytes");
        }
    }

    [TestMethod]
    public void Flipped_bits_are_refused_or_read_but_never_break_the_reader()
    {
        var pickle = PickleText.Dictionary(("epoch", PickleText.Integer(7)),
            ("net", PickleText.Dictionary(("a", GoodTensor), ("b", PickleText.Tensor("0", 4, 0, [2, 2], [1, 2])))));
        foreach (var good in new[] { PickleText.Archive(pickle, ("0", [1, 2, 3, 4])), PickleText.Legacy(pickle, ("0", [1, 2, 3, 4])) })
        {
            var random = new Random(20);
            var refused = 0;
            for (var trial = 0; trial < 1000; trial++)
            {
                var bytes = (byte[])good.Clone();
                for (var flip = random.Next(1, 4); flip > 0; flip--)
                    bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
                refused += Hostile.TryRead(bytes, stream => PyTorchFile.Read(stream), MemoryLimit) ? 0 : 1;
            }
            Assert.IsGreaterThan(500, refused);
        }
    }

    [TestMethod]
    public void A_changed_byte_of_a_weight_is_noticed_in_an_archive()
    {
        var bytes = PickleText.Archive(PickleText.Dictionary(("a", GoodTensor)), ("0", [1, 2, 3, 4]));
        var position = bytes.AsSpan().IndexOf(BitConverter.GetBytes(3f));
        bytes[position]++;

        AssertRefused(bytes, "checksum");
    }

    /// <summary>Both layouts refuse a tensor; their storage 0 has four elements.</summary>
    private static void AssertTensorRefused(byte[] tensor, string inArchive, string? inLegacy = null)
    {
        var dictionary = PickleText.Dictionary(("a", tensor));
        AssertRefused(PickleText.Archive(dictionary, ("0", [1, 2, 3, 4])), inArchive);
        AssertRefused(PickleText.Legacy(dictionary, ("0", [1, 2, 3, 4])), inLegacy ?? inArchive);
    }

    private static void AssertRefused(byte[] file, params string[] parts)
    {
        Assert.IsFalse(Hostile.TryRead(file, stream => PyTorchFile.Read(stream), MemoryLimit));
        var message = Assert.ThrowsExactly<WeightsFormatException>(() => PyTorchFile.Read(new MemoryStream(file))).Message;
        foreach (var part in parts)
            StringAssert.Contains(message, part);
    }
}
