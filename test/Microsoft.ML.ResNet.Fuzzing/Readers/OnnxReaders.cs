using Google.Protobuf;
using Microsoft.ML.ResNet.Interop;
using Microsoft.ML.ResNet.Interop.Onnx;
using Microsoft.ML.ResNet.Interop.Onnx.Schema;

namespace Microsoft.ML.ResNet.Fuzzing.Readers;

/// <summary>The reader of ONNX files: whole files, and graphs whose weights are all there.</summary>
internal static class OnnxReaders
{
    private const int LongestFile = 64 << 10;
    private static readonly ModelProto Whole = ModelProto.Parser.ParseFrom(File("cifarstem.onnx"));

    // Messages of one field are merged: this behind a file without weights gives it the weights.
    private static readonly byte[] Weights =
        new ModelProto { Graph = new GraphProto { Initializer = { Whole.Graph.Initializer } } }.ToByteArray();

    public static IEnumerable<FuzzTarget> All =>
    [
        new("onnx", 6, [File("cifarstem.onnx"), File("resnet18.onnx"), File("folded.onnx")], Tokens.Onnx, bytes =>
            Outcome.Of<WeightsFormatException>(() => Describe(WeightsFile.Read(new MemoryStream(bytes))))) { LongestInput = LongestFile },
        new("onnx-graph", 10, [WithoutWeights()], Tokens.Onnx, bytes =>
            Outcome.Of<WeightsFormatException>(() => Describe(OnnxNetwork.Read(new MemoryStream([.. bytes, .. Weights]))))),
        new("onnx-mean", 4, [MeanImage(), WithoutWeights()], Tokens.Onnx, bytes =>
            Outcome.Of<WeightsFormatException>(() => $"{OnnxNetwork.ReadMeanImage(new MemoryStream(bytes)).Count}")),
    ];

    private static string Describe(WeightsFile read) => $"{read.Kind} {read.Architecture?.Name} {read.Tensors.Count}";

    private static string Describe(OnnxNetwork read)
        => $"{read.Architecture.Name} {read.Architecture.ConvolutionBias} {read.Tensors.Count} "
            + $"{read.Tensors.Sum(tensor => tensor.Shape.Count)}";

    private static byte[] WithoutWeights()
    {
        var model = Whole.Clone();
        model.Graph.Initializer.Clear();
        return model.ToByteArray();
    }

    private static byte[] MeanImage() => new ModelProto
    {
        IrVersion = 7,
        Graph = new GraphProto
        {
            Input = { new ValueInfoProto { Name = "x" } },
            Initializer = { new TensorProto { Name = "m", Dims = { 1, 3, 2, 2 }, DataType = 1,
                RawData = ByteString.CopyFrom(new byte[48]) } },
            Node = { new NodeProto { OpType = "Sub", Input = { "x", "m" }, Output = { "y" } } },
            Output = { new ValueInfoProto { Name = "y" } },
        },
    }.ToByteArray();

    private static byte[] File(string name) => System.IO.File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Corpus", "onnx", name));
}
