using Google.Protobuf;
using Microsoft.ML.ResNet.Interop;
using Microsoft.ML.ResNet.Interop.Onnx;
using Microsoft.ML.ResNet.Interop.Onnx.Schema;
using Microsoft.ML.ResNet.Tests.Support;

namespace Microsoft.ML.ResNet.Tests.Interop.Onnx;

/// <summary>Broken and hostile ONNX files: one exception, little memory, and a message that names the place.</summary>
[TestClass]
public class HostileOnnxTests
{
    private const long MemoryLimit = 16 << 20;

    [TestMethod]
    public void A_truncated_file_is_refused_wherever_it_ends()
    {
        var file = File.ReadAllBytes(OnnxGolden.Path("resnet18"));
        for (var length = 0; length < file.Length - 20; length += length < 200 ? 1 : 997) // the last 20 bytes are the operator set
            Assert.IsFalse(TryRead(file[..length]), $"{length} of {file.Length} bytes");
    }

    [TestMethod]
    [Timeout(120_000, CooperativeCancellation = true)]
    public void Forged_bytes_are_refused_with_one_exception_or_read()
    {
        var file = File.ReadAllBytes(OnnxGolden.Path("resnet18"));
        var random = new Random(5);
        var (refused, trials) = (0, 600);
        // Half of them in the first 12,000 bytes, where the nodes are.
        for (var trial = 0; trial < trials; trial++)
        {
            var forged = (byte[])file.Clone();
            for (var change = random.Next(1, 8); change > 0; change--)
                forged[random.Next(8, trial % 2 == 0 ? 12_000 : forged.Length)] = (byte)random.Next(256);
            refused += TryRead(forged) ? 0 : 1;
        }
        Assert.IsGreaterThan(trials / 3, refused);
    }

    [TestMethod]
    public void Promises_are_not_believed()
    {
        StringAssert.Contains(Refused(graph => graph.Initializer[0].Dims[0] = 1L << 40),
            "expected a weight of [outputs, inputs, side, side], the side 1, 3 or 7, found [1099511627776, 3, 7, 7]");
        StringAssert.Contains(Refused(graph => graph.Initializer[0].Dims[0] = 5),
            "expected as many elements as its shape [5, 3, 7, 7] says");
        StringAssert.Contains(Refused(graph => graph.Initializer[1].Dims[0] = -4), "tensor 'bn1.weight'");
        StringAssert.Contains(Refused(graph => graph.Initializer[1].Dims.Add(Enumerable.Repeat(1L << 62, 8))), "tensor 'bn1.weight'");
        StringAssert.Contains(Refused(graph => graph.Initializer[1].DataType = 6), "expected floating-point numbers, found type 6");
        // a length of 2 GiB in a file of 20 bytes
        Assert.IsFalse(TryRead([8, 7, 0x3A, 0xFF, 0xFF, 0xFF, 0xFF, 7, 0x2A, 0xF0, 0xFF, 0xFF, 0xFF, 7, 0x4A, 0xE0, 0xFF, 0xFF, 0xFF, 7]));
    }

    [TestMethod]
    public void Objects_out_of_empty_messages_take_no_memory()
    {
        var graph = new byte[2_400_000]; // 1,200,000 nodes of two bytes; parsed they would take 130 MB
        for (var i = 0; i < graph.Length; i += 2)
            graph[i] = 0x0A;
        var file = new MemoryStream();
        var output = new CodedOutputStream(file, leaveOpen: true);
        output.WriteRawTag(8);
        output.WriteInt64(7);
        output.WriteRawTag(0x3A);
        output.WriteBytes(UnsafeByteOperations.UnsafeWrap(graph));
        output.Flush();

        Assert.IsFalse(TryRead(file.ToArray()));
    }

    [TestMethod]
    public void A_cycle_is_a_value_that_nothing_before_it_makes()
        => StringAssert.Contains(Refused(graph => Node(graph, "Relu").Input[0] = "/maxpool/MaxPool_output_0"),
            "At node '/relu/Relu' (Relu): expected values that the file has or an earlier operation makes, found "
            + "'/maxpool/MaxPool_output_0', which nothing before it makes");

    [TestMethod]
    public void A_cycle_of_values_that_are_handed_on_is_refused()
        => StringAssert.Contains(Refused(graph => graph.Node.Insert(0,
            new NodeProto { OpType = "Identity", Input = { "a" }, Output = { "a" } })), "At node 'a' (Identity)");

    [TestMethod]
    public void What_is_no_residual_network_is_told_by_its_node()
    {
        foreach (var (expected, change) in new (string, Action<GraphProto>)[]
        {
            ("(LeakyRelu): expected ReLU", graph => Node(graph, "Relu").OpType = "LeakyRelu"),
            ("(com.example.Conv): expected a convolution", graph => Node(graph, "Conv").Domain = "com.example"),
            ("(Conv): expected one group, found 4", graph => Set(Node(graph, "Conv"), "group", 4)),
            ("(Conv): expected no dilation", graph => Sets(Node(graph, "Conv"), "dilations", 2, 2)),
            ("(Conv): expected the same step of 1 to 64 pixels", graph => Sets(Node(graph, "Conv"), "strides", 0, 0)),
            ("(Conv): expected padding of 3 pixels", graph => Sets(Node(graph, "Conv"), "pads", 2, 3, 3, 3)),
            ("(Conv): expected a window of 7x7, found 5x7", graph => Sets(Node(graph, "Conv"), "kernel_shape", 5, 7)),
            ("(BatchNormalization): expected an epsilon of 1E-05", graph => Node(graph, "BatchNormalization").Attribute[0].F = 0.001f),
            ("(Mul): expected ReLU", graph => Node(graph, "Add").OpType = "Mul"),
            ("expected a block whose input goes two ways, found 1", graph => Node(graph, "Add").Input[1] = Node(graph, "Add").Input[0]),
            ("(MaxPool): expected a step of 2 pixels", graph => Sets(Node(graph, "MaxPool"), "strides", 1, 1)),
            ("(GlobalMaxPool): expected the next block or pooling", graph => Node(graph, "GlobalAveragePool").OpType = "GlobalMaxPool"),
            ("(Gemm): expected a fully connected layer", graph => Node(graph, "Gemm").Attribute[0].F = 2),
            ("(Sigmoid): expected the end of the graph", graph => graph.Node.Add(
                new NodeProto { OpType = "Sigmoid", Input = { graph.Node[^1].Output[0] }, Output = { "more" } })),
            ("'/conv1/Conv_output_0', which is computed", graph => Node(graph, "BatchNormalization").Input[1] = "/conv1/Conv_output_0"),
            ("expected one value 'bn1.bias', found two", graph => graph.Initializer.Add(new TensorProto { Name = "bn1.bias" })),
            ("expected one input, the images", graph => graph.Input.Add(new ValueInfoProto { Name = "mask" })),
            ("expected operations, found none", graph => graph.Node.Clear()),
            ("'layer1.0.conv1.weight', which nothing before it makes", graph => graph.Initializer.Remove(
                graph.Initializer.Single(constant => constant.Name == "layer1.0.conv1.weight"))),
        })
            StringAssert.Contains(Refused(change), expected);
    }

    [TestMethod]
    public void Weights_in_another_file_are_refused_with_the_way_to_write_one()
        => StringAssert.Contains(Refused(graph =>
        {
            var weight = graph.Initializer[0];
            (weight.RawData, weight.DataLocation) = (ByteString.Empty, TensorProto.Types.DataLocation.External);
            weight.ExternalData.Add(new StringStringEntryProto { Key = "location", Value = "../../etc/passwd" });
        }), "found that they lie in another one ('../../etc/passwd'). Write the model as one file");

    private static NodeProto Node(GraphProto graph, string operation) => graph.Node.First(node => node.OpType == operation);

    private static void Set(NodeProto node, string name, long value) => node.Attribute.First(attribute => attribute.Name == name).I = value;

    private static void Sets(NodeProto node, string name, params long[] values)
    {
        var list = node.Attribute.First(attribute => attribute.Name == name).Ints;
        list.Clear();
        list.Add(values);
    }

    private static string Refused(Action<GraphProto> change)
    {
        var model = OnnxGolden.Read("resnet18");
        change(model.Graph);
        return Assert.ThrowsExactly<WeightsFormatException>(() => OnnxNetwork.Read(model.ToStream())).Message;
    }

    private static bool TryRead(byte[] file) => Hostile.TryRead(file,
        stream => WeightsImport.Read(stream, OnnxGolden.Options(OnnxGolden.Narrow(18)), seed: 1), MemoryLimit);
}
