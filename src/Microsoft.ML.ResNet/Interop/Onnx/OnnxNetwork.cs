using System.Runtime.InteropServices;
using Google.Protobuf;
using Microsoft.ML.ResNet.Interop.Onnx.Schema;
using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Interop.Onnx;

/// <summary>A residual network as the graph of an ONNX file tells it.</summary>
/// <param name="Architecture">The network, strides and pooling included, which no state dictionary tells.</param>
/// <param name="Tensors">The weights under torchvision's names, block by block; without <c>fc</c> where the graph has no head.</param>
internal sealed record OnnxNetwork(ResNetArchitecture Architecture, IReadOnlyList<NamedTensor> Tensors)
{
    /// <summary>How messages call this kind of file.</summary>
    public const string FileKind = "ONNX file";

    /// <summary>How many bytes tell a file's kind.</summary>
    public const int LongestMagic = 8;

    private const byte IrVersionField = 0x08; // field 1, a number: every writer puts fields in order, and the version must be there
    private const int HighestIrVersion = 0x1F; // 13 in 2026
    private const int RecursionLimit = 16; // the schema's messages lie 7 deep at most

    /// <summary>
    /// Whether a file begins like an ONNX file. A safetensors file may begin with the same byte, but its bytes 3 to 7 are zero, and a zero
    /// is no field.
    /// </summary>
    public static bool Recognizes(ReadOnlySpan<byte> firstBytes)
        => firstBytes.Length >= LongestMagic && firstBytes[0] == IrVersionField && firstBytes[1] is > 0 and <= HighestIrVersion
            && firstBytes[3..LongestMagic].ContainsAnyExcept((byte)0);

    /// <summary>Reads a file and walks its graph. Nothing about it is trusted, and nothing of it is run.</summary>
    /// <param name="stream">Seekable; read from its start, and stays open.</param>
    /// <exception cref="WeightsFormatException">
    /// The file is damaged or hostile, keeps its weights elsewhere, or holds no residual network whose normalisations are its own.
    /// </exception>
    public static OnnxNetwork Read(Stream stream)
    {
        var model = Parse(stream);
        CheckNormalizations(model);
        return NetworkWalk.Read(new OnnxGraph(model.Graph));
    }

    /// <summary>Reads a mean image: the only constant of three planes that the graph of a file subtracts from its input.</summary>
    /// <param name="stream">Seekable; read from its start, and stays open.</param>
    /// <returns>The mean of each plane.</returns>
    /// <exception cref="WeightsFormatException">The file cannot be read, or subtracts no such constant.</exception>
    public static IReadOnlyList<float> ReadMeanImage(Stream stream)
    {
        var graph = Parse(stream).Graph ?? new GraphProto();
        var subtraction = graph.Node.FirstOrDefault(node => node.Operation() == "Sub")
            ?? throw Error("the graph", "expected a subtraction, found none");
        var mean = new OnnxGraph(graph).Required(subtraction, 1, "a mean image").ToNamed("mean").ToFloat32();
        if (mean.Shape is not [1, 3, > 0, > 0])
            throw subtraction.Expected("a mean image of three planes", $"[{string.Join(", ", mean.Shape)}]");
        var plane = (int)(mean.ElementCount / 3);
        return [.. MemoryMarshal.Cast<byte, float>(mean.Data.Span).ToArray().Chunk(plane).Select(values => values.Average())];
    }

    private static ModelProto Parse(Stream stream)
    {
        try
        {
            stream.Position = 0;
            OnnxStructure.Check(stream);
            stream.Position = 0;
            return ModelProto.Parser.WithDiscardUnknownFields(true)
                .ParseFrom(CodedInputStream.CreateWithLimits(stream, int.MaxValue, RecursionLimit));
        }
        catch (InvalidProtocolBufferException broken)
        {
            throw Error($"byte {stream.Position} or before", "expected the fields of a protobuf message, found none", broken);
        }
    }

    /// <summary>The error for something wrong in an ONNX file.</summary>
    internal static WeightsFormatException Error(string place, string problem, Exception? innerException = null)
        => new(FileKind, place, problem, innerException);

    private static void CheckNormalizations(ModelProto model)
    {
        if (model.Graph is null || model.Graph.Node.Count == 0)
            throw Error("the graph", "expected operations, found none");
        if (!model.Graph.Node.Any(node => node.OpType == "Conv") || model.Graph.Node.Any(node => node.OpType == "BatchNormalization"))
            return;
        throw Error("the graph", "expected batch normalisations behind the convolutions, found none: they have been folded into the "
            + "weights, which cannot be trained any more. " + (model.ProducerName == OnnxFile.Producer
                ? "The file was written by SaveOnnx; load the saved model instead, or what SaveSafetensors or SavePyTorch wrote"
                : "Export again with torch.onnx.export(model.eval(), images, path, training=torch.onnx.TrainingMode.PRESERVE, "
                    + "do_constant_folding=False), or save the weights with torch.save(model.state_dict(), path)"));
    }
}
