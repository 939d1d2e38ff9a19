using System.Globalization;
using Google.Protobuf;
using Microsoft.ML.ResNet.Interop.Onnx.Schema;
using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Interop.Onnx;

/// <summary>
/// A trained network as an ONNX file: one protobuf message that holds the graph, its weights and what a reader should know about them. The
/// same network and options give the same bytes. See <c>docs/adr/0008-onnx.md</c>.
/// </summary>
internal static class OnnxFile
{
    /// <summary>Who wrote a file, in its own words.</summary>
    public const string Producer = "Microsoft.ML.ResNet";

    private const long IrVersion = 7; // came with operator set 13 in ONNX 1.8
    private const long OperatorSet = 13; // the first with softmax over one axis; any later one runs it too
    private const long MaximumBytes = int.MaxValue; // protobuf's, for one message
    private const long GraphBytes = 16 << 20; // kept free for everything but the weights: a few hundred bytes for each layer

    /// <summary>Makes the message that a file holds. Weights are not copied where it holds them unchanged.</summary>
    /// <param name="model">The network.</param>
    /// <param name="options">The form of its input.</param>
    /// <exception cref="ArgumentException">The options name no input, or one that the graph cannot have.</exception>
    /// <exception cref="InvalidOperationException">The weights need more than the 2 GiB that an ONNX file can hold.</exception>
    public static ModelProto Create(TrainedResNet model, OnnxExportOptions options)
    {
        options.Check();
        CheckSize(model);
        return Wrap(model, NetworkGraph.Create(model, options));
    }

    /// <summary>Makes the message around a graph that is made already.</summary>
    public static ModelProto Wrap(TrainedResNet model, GraphProto graph) => new()
    {
        IrVersion = IrVersion,
        OpsetImport = { new OperatorSetIdProto { Version = OperatorSet } },
        ProducerName = Producer,
        ProducerVersion = typeof(OnnxFile).Assembly.GetName().Version!.ToString(3),
        DocString = Describe(model),
        Graph = graph,
        MetadataProps = { OnnxMetadata.Of(model) },
    };

    /// <summary>Writes the message to a stream, which stays open.</summary>
    public static void Write(Stream stream, ModelProto file) => file.WriteTo(stream);

    private static void CheckSize(TrainedResNet model)
    {
        var weights = model.Plan.Layers.Sum(layer => layer.Parameters) * sizeof(float);
        if (weights > MaximumBytes - GraphBytes)
            throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture,
                $"{model.Architecture} has {weights:N0} bytes of weights; an ONNX file holds at most {MaximumBytes - GraphBytes:N0}. "
                    + $"Train a narrower network."));
    }

    private static string Describe(TrainedResNet model)
        => $"Residual network {model.Architecture} that tells {model.Classes.Count} classes apart in images of {model.Shape} (channels x "
            + "height x width, values 0 to 255).";
}
