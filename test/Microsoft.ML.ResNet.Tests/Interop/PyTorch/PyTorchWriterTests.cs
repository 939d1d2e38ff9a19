using System.Buffers.Binary;
using System.IO.Compression;
using System.Runtime.InteropServices;
using Microsoft.ML.ResNet.Interop.PyTorch;
using Microsoft.ML.ResNet.Tensors;
using Microsoft.ML.ResNet.Tests.Support;

namespace Microsoft.ML.ResNet.Tests.Interop.PyTorch;

[TestClass]
public sealed class PyTorchWriterTests
{
    [TestMethod]
    public void What_is_written_is_read_back()
    {
        using var stream = new MemoryStream();

        PyTorchWriter.Write(stream, GoldenWeights.ReadFile(GoldenNoise.Path("cifar-20.pth")).Tensors);

        GoldenWeights.AssertAreCifar20(PyTorchFile.Read(stream).Tensors);
    }

    [TestMethod]
    public void Sixty_thousand_tensors_are_written_and_not_one_more()
    {
        var tensors = Enumerable.Range(0, 60_001).Select(i => new NamedTensor($"t{i}", ElementType.UInt8, [1], new byte[1])).ToList();
        using var stream = new MemoryStream();

        PyTorchWriter.Write(stream, tensors.Take(60_000));

        using var archive = new ZipArchive(stream);
        Assert.HasCount(60_003, archive.Entries);
        Assert.ThrowsExactly<ArgumentException>(() => PyTorchWriter.Write(Stream.Null, tensors));
    }

    [TestMethod]
    public void Every_element_type_survives()
    {
        var tensors = Enum.GetValues<ElementType>()
            .Select(type => new NamedTensor($"ä.{type}", type, [2, 1, 3], Enumerable.Range(0, 6 * type.Size()).Select(i => (byte)(i & 1))
                .ToArray()))
            .Append(new NamedTensor("scalar", ElementType.Int64, [], new byte[8]))
            .Append(new NamedTensor("empty", ElementType.Float32, [0, 3], ReadOnlyMemory<byte>.Empty))
            .ToList();
        using var stream = new MemoryStream();

        PyTorchWriter.Write(stream, tensors);

        var read = PyTorchFile.Read(stream).Tensors;
        CollectionAssert.AreEqual(tensors.Select(tensor => tensor.ToString()).ToArray(), read.Select(tensor => tensor.ToString())
            .ToArray());
        Assert.IsTrue(tensors.Zip(read).All(pair => pair.First.Data.Span.SequenceEqual(pair.Second.Data.Span)));
    }

    [TestMethod]
    public void The_archive_is_sound_stored_and_aligned()
    {
        using var stream = new MemoryStream();
        PyTorchWriter.Write(stream, [new NamedTensor("a", ElementType.Float32, [3], MemoryMarshal.AsBytes([1f, 2f, 3f]).ToArray())]);
        var bytes = stream.ToArray();

        using var archive = new ZipArchive(stream);
        CollectionAssert.AreEqual(new[] { "archive/data.pkl", "archive/byteorder", "archive/data/0", "archive/version" },
            archive.Entries.Select(entry => entry.FullName).ToArray());
        Assert.IsTrue(archive.Entries.All(entry => entry.Length == entry.CompressedLength));
        Assert.AreEqual(0, bytes.AsSpan().IndexOf(MemoryMarshal.AsBytes([1f, 2f, 3f])) % 64);
        Assert.AreEqual(0x06054B50u, BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(bytes.Length - 22)));
    }

    [TestMethod]
    public void The_same_weights_give_the_same_file_on_a_stream_that_cannot_seek()
    {
        var tensors = GoldenWeights.ReadFile(GoldenNoise.Path("cifar-20-legacy.pth")).Tensors;
        using var direct = new MemoryStream();
        using var compressed = new MemoryStream();
        PyTorchWriter.Write(direct, tensors);
        using (var forward = new GZipStream(compressed, CompressionLevel.Fastest, leaveOpen: true))
            PyTorchWriter.Write(forward, tensors);
        compressed.Position = 0;
        using var unpacked = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionMode.Decompress))
            gzip.CopyTo(unpacked);

        Assert.IsTrue(direct.ToArray().AsSpan().SequenceEqual(unpacked.ToArray()));
    }

    [TestMethod]
    public void Tensors_that_are_not_what_they_say_are_not_written()
    {
        using var stream = new MemoryStream();
        var tensor = new NamedTensor("a", ElementType.Float32, [2], new byte[8]);

        Assert.ThrowsExactly<ArgumentException>(() => PyTorchWriter.Write(stream, [tensor, tensor]));
        Assert.ThrowsExactly<ArgumentException>(() => PyTorchWriter.Write(stream, [tensor with { Shape = [3] }]));
        Assert.AreEqual(0, stream.Length);
    }

    [TestMethod]
    public void PyTorch_reads_what_we_write_and_we_read_what_PyTorch_writes()
    {
        var ours = Path.Combine(TestAssembly.TemporaryFolder, "ours.pth");
        var theirs = Path.Combine(TestAssembly.TemporaryFolder, "theirs.pth");
        var legacy = Path.Combine(TestAssembly.TemporaryFolder, "theirs-legacy.pth");
        using (var stream = File.Create(ours))
            PyTorchWriter.Write(stream, GoldenWeights.ReadFile(GoldenNoise.Path("cifar-20.pth")).Tensors);

        var answer = Python.RunWithTorch("""
            import sys, torch, zipfile
            ours, golden, theirs, legacy = sys.argv[1:]
            assert zipfile.ZipFile(ours).testzip() is None
            state, expected = torch.load(ours, weights_only=True), torch.load(golden)
            assert list(state) == list(expected)
            assert all(state[k].dtype == expected[k].dtype and torch.equal(state[k], expected[k]) for k in expected)
            mixed = {'net': {'t': torch.arange(12.).reshape(3, 4).t(), 'p': torch.nn.Parameter(torch.ones(2, dtype=torch.bfloat16)),
                             'e': torch.zeros(0, 3), 'b': torch.tensor([True, False]), 'i': torch.tensor(-5, dtype=torch.int8)},
                     'epoch': 3, 'acc': 93.5, 'dtype': torch.float16, 'size': torch.zeros(2, 3).shape,
                     'device': torch.device('cpu'), 'big': 2 ** 70}
            torch.save(mixed, theirs, pickle_protocol=4)
            torch.save(mixed, legacy, _use_new_zipfile_serialization=False)
            print('equal')
            """, ours, GoldenNoise.Path("cifar-20.pth"), theirs, legacy);

        Assert.AreEqual("equal", answer.Trim());
        AssertAreMixed(GoldenWeights.ReadFile(theirs));
        AssertAreMixed(GoldenWeights.ReadFile(legacy));
    }

    [TestMethod]
    public void Torchvisions_network_takes_what_we_write_and_computes_the_golden_logits()
    {
        var path = Path.Combine(TestAssembly.TemporaryFolder, "imagenet-18.pth");
        using (var stream = File.Create(path))
            PyTorchWriter.Write(stream, GoldenNoise.State("imagenet-18").Select((entry, k) => Noise(entry.Name, entry.Shape, k)));

        var answer = Python.RunWithTorch("""
            import sys, json, numpy, torch
            try:
                import torchvision
            except ImportError:
                print('no torchvision')
                sys.exit()
            path, architectures = sys.argv[1:]
            golden = json.load(open(architectures))['nets']['imagenet-18']
            network = torchvision.models.resnet18().eval()
            network.load_state_dict(torch.load(path, weights_only=True))
            shape = golden['input']
            x = numpy.arange(numpy.prod(shape), dtype=numpy.uint32) * numpy.uint32(0x9E3779B1)
            x = x + numpy.uint32(1000 * 0x85EBCA77 + 1 & 0xFFFFFFFF)
            x ^= x >> 16; x *= numpy.uint32(0x7FEB352D); x ^= x >> 15; x *= numpy.uint32(0x846CA68B); x ^= x >> 16
            images = torch.from_numpy((x / 2.0 ** 31 - 1).astype(numpy.float32)).reshape(shape)
            with torch.no_grad():
                logits = network(images)[:, :10]
            expected = torch.tensor(golden['eval_logits']).reshape(logits.shape)
            print('equal' if (logits - expected).abs().max() < 1e-4 * expected.abs().max() else (logits, expected))
            """, path, GoldenNoise.Path("architectures.json")).Trim();

        if (answer == "no torchvision")
            Assert.Inconclusive("No torchvision on this machine; this test needs it.");
        Assert.AreEqual("equal", answer);
    }

    private static NamedTensor Noise(string name, long[] shape, int k) => name.EndsWith("num_batches_tracked", StringComparison.Ordinal)
        ? new NamedTensor(name, ElementType.Int64, shape, new byte[8])
        : new NamedTensor(name, ElementType.Float32, shape, MemoryMarshal.AsBytes(GoldenNoise.Tensor(name, shape, k).AsSpan()).ToArray());

    private static void AssertAreMixed(PyTorchCheckpoint checkpoint)
    {
        CollectionAssert.AreEqual(new[] { "t: Float32[4, 3]", "p: BFloat16[2]", "e: Float32[0, 3]", "b: Bool[2]", "i: Int8[]" },
            checkpoint.Tensors.Select(tensor => tensor.ToString()).ToArray());
        CollectionAssert.AreEqual(new float[] { 0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11 },
            MemoryMarshal.Cast<byte, float>(checkpoint.Tensors[0].Data.Span).ToArray());
        CollectionAssert.AreEqual(new byte[] { 0x80, 0x3F, 0x80, 0x3F }, checkpoint.Tensors[1].Data.ToArray());
        CollectionAssert.AreEqual(new byte[] { 0xFB }, checkpoint.Tensors[4].Data.ToArray());
    }
}
