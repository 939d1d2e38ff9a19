using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.ResNet.Interop.Onnx;
using Microsoft.ML.ResNet.Interop.Onnx.Schema;
using Microsoft.ML.ResNet.Tests.Support;

namespace Microsoft.ML.ResNet.Tests.Interop.Onnx;

/// <summary>What a file says about itself, and what cannot be written.</summary>
[TestClass]
public class OnnxFileTests
{
    [TestMethod]
    public void Metadata_tells_classes_normalisation_and_architecture()
    {
        string[] classes = ["", "Überraschung \"🚀\"\n\0", "日本"];
        var model = ExportedModel.Create(ResNetArchitecture.Parse("cifar-8-optionA"), new ImageShape(3, 9, 12), classes);
        using var session = new OnnxSession(ExportedModel.Export(model));

        var metadata = session.Metadata;

        CollectionAssert.AreEqual(classes, JsonSerializer.Deserialize<string[]>(metadata["class_names"]));
        CollectionAssert.AreEqual(new[] { 3, 9, 12 }, JsonSerializer.Deserialize<int[]>(metadata["image_shape"]));
        CollectionAssert.AreEqual(model.Normalization.Mean.ToArray(), JsonSerializer.Deserialize<float[]>(metadata["normalization_mean"]));
        CollectionAssert.AreEqual(model.Normalization.Deviation.ToArray(),
            JsonSerializer.Deserialize<float[]>(metadata["normalization_deviation"]));
        Assert.AreEqual("RGB", metadata["channel_order"]);
        Assert.AreEqual("cifar-8-optionA", metadata["architecture"]);
        Assert.AreEqual(
            """{"depth":8,"stem":"cifar","stemWidth":16,"block":"basic","shortcut":"padding","convolutionBias":false,"stages":["""
                + """{"width":16,"blocks":1,"stride":1},{"width":32,"blocks":1,"stride":2},{"width":64,"blocks":1,"stride":2}]}""",
            metadata["architecture_plan"]);
        Assert.AreEqual("Microsoft.ML.ResNet", session.Producer);
        Assert.IsTrue(metadata.Values.All(text => Ascii.IsValid(text)));
    }

    [TestMethod]
    public void Inputs_and_outputs_have_their_names_and_types_and_a_free_batch()
    {
        var model = ExportedModel.Tiny();
        using var bytes = new OnnxSession(ExportedModel.Export(model));
        using var floats = new OnnxSession(ExportedModel.Export(model, new() { Input = OnnxInput.Float32, InputName = "Bild \"🚀\"" }));

        Assert.AreEqual("image System.Byte -1,3,8,8", Print(bytes.Inputs));
        Assert.AreEqual("probabilities System.Single -1,3; logits System.Single -1,3", Print(bytes.Outputs));
        Assert.AreEqual("Bild \"🚀\" System.Single -1,3,8,8", Print(floats.Inputs));
    }

    [TestMethod]
    public void No_batch_normalisation_is_left()
    {
        var graph = OnnxFile.Create(ExportedModel.Tiny(), new()).Graph;

        CollectionAssert.AreEquivalent(new[] { "Cast", "Mul", "Add", "Conv", "Relu", "GlobalAveragePool", "Flatten", "Gemm", "Softmax" },
            graph.Node.Select(node => node.OpType).Distinct().ToArray());
        Assert.AreEqual(graph.Initializer.Count, graph.Initializer.Select(constant => constant.Name).Distinct().Count());
    }

    [TestMethod]
    public void The_same_network_gives_the_same_bytes_and_other_readers_of_the_schema_read_them()
    {
        var first = ExportedModel.Export(ExportedModel.Tiny());

        CollectionAssert.AreEqual(first, ExportedModel.Export(ExportedModel.Tiny()));
        var read = ModelProto.Parser.ParseFrom(first);
        Assert.AreEqual((7, 13), ((int)read.IrVersion, (int)read.OpsetImport.Single().Version));
    }

    [TestMethod]
    public void A_stream_need_not_seek_and_stays_open()
    {
        using var transformer = ExportedModel.Transformer(ExportedModel.Tiny());
        using var packed = new MemoryStream();
        using (var pipe = new GZipStream(packed, CompressionMode.Compress, leaveOpen: true))
        {
            transformer.SaveOnnx(pipe);
            Assert.IsTrue(pipe.CanWrite);
        }

        packed.Position = 0;
        using var unpacked = new MemoryStream();
        using (var pipe = new GZipStream(packed, CompressionMode.Decompress))
            pipe.CopyTo(unpacked);
        CollectionAssert.AreEqual(ExportedModel.Export(ExportedModel.Tiny()), unpacked.ToArray());
    }

    [TestMethod]
    public void A_file_is_replaced_as_a_whole()
    {
        using var transformer = ExportedModel.Transformer(ExportedModel.Tiny());
        var path = Path.Combine(TestAssembly.TemporaryFolder, "replaced.onnx");
        File.WriteAllBytes(path, new byte[1_000_000]);

        Assert.ThrowsExactly<ArgumentException>(() => transformer.SaveOnnx(path, new() { InputName = "" }));
        Assert.AreEqual(1_000_000, new FileInfo(path).Length);

        transformer.SaveOnnx(path);
        CollectionAssert.AreEqual(ExportedModel.Export(ExportedModel.Tiny()), File.ReadAllBytes(path));
    }

    [TestMethod]
    public void Paths_that_name_no_file_are_errors()
    {
        using var transformer = ExportedModel.Transformer(ExportedModel.Tiny());
        var folder = TestAssembly.TemporaryFolder;

        Assert.ThrowsExactly<ArgumentNullException>(() => transformer.SaveOnnx((string)null!));
        Assert.ThrowsExactly<ArgumentException>(() => transformer.SaveOnnx(""));
        Assert.ThrowsExactly<ArgumentException>(() => transformer.SaveOnnx("model\0.onnx"));
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => transformer.SaveOnnx(folder)).Message,
            $"'{folder}' is a folder");
        StringAssert.Contains(
            Assert.ThrowsExactly<DirectoryNotFoundException>(
            () => transformer.SaveOnnx(Path.Combine(folder, "missing", "model.onnx"))).Message, "missing");
        Assert.Throws<IOException>(() => transformer.SaveOnnx(Path.Combine(folder, new string('x', 5000))));
    }

    [TestMethod]
    public void Streams_that_cannot_be_written_are_errors()
    {
        using var transformer = ExportedModel.Transformer(ExportedModel.Tiny());

        Assert.ThrowsExactly<ArgumentNullException>(() => transformer.SaveOnnx((Stream)null!));
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => transformer.SaveOnnx(new MemoryStream([], writable: false))).Message,
            "cannot be written");
    }

    [TestMethod]
    [DataRow("", "empty")]
    [DataRow("probabilities", "another value")]
    [DataRow("layer1.0.conv1", "another value")]
    [DataRow("fc.weight", "another value")]
    [DataRow("pixels", "another value")]
    [DataRow("\ud800", "half a character")]
    public void Input_names_that_the_graph_cannot_have_are_errors(string name, string reason)
    {
        using var transformer = ExportedModel.Transformer(ExportedModel.Tiny());

        var error = Assert.ThrowsExactly<ArgumentException>(() => transformer.SaveOnnx(Stream.Null, new() { InputName = name }));

        StringAssert.Contains(error.Message, reason);
        StringAssert.Contains(error.Message, "'image'");
    }

    [TestMethod]
    public void An_input_that_is_none_is_an_error()
    {
        using var transformer = ExportedModel.Transformer(ExportedModel.Tiny());

        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => transformer.SaveOnnx(Stream.Null, new() { Input = (OnnxInput)7 }));
    }

    [TestMethod]
    public void A_network_too_large_for_the_format_is_an_error_before_memory_is_taken()
    {
        var model = ExportedModel.Tiny();
        var wide = model with { Architecture = model.Architecture with { Stages = [new(20_000, 1, 1)] }, Weights = [] };

        var error = Assert.ThrowsExactly<InvalidOperationException>(() => OnnxFile.Create(wide, new()));

        StringAssert.Contains(error.Message, "bytes of weights");
    }

    private static string Print(IReadOnlyDictionary<string, NodeMetadata> values)
        => string.Join("; ", values.Select(value => $"{value.Key} {value.Value.ElementType} {string.Join(',', value.Value.Dimensions)}"));
}
