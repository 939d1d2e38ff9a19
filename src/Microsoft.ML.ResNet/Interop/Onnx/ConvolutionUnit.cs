using Microsoft.ML.ResNet.Interop.Onnx.Schema;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Interop.Onnx;

/// <summary>A convolution of an ONNX graph with the batch normalisation behind it, if there is one.</summary>
internal sealed class ConvolutionUnit
{
    private static readonly string[] PartsOfNorm = ["weight", "bias", "running_mean", "running_var"]; // in ONNX's order

    private readonly OnnxGraph _graph;

    private ConvolutionUnit(OnnxGraph graph, NodeProto node, FeatureMap input)
    {
        _graph = graph;
        Node = node;
        if (graph.Value(node, 0) != input.Name)
            throw node.Expected("a convolution whose first input is the map", "that the map is another of its inputs");
        var weight = graph.Required(node, 1, "a weight");
        if (weight.Dims is not [var outputs, var inputs, var kernel and (1 or 3 or 7), var width] || width != kernel
            || outputs is < 1 or > ModelLimits.Width || inputs is < 1 or > ModelLimits.Width)
            throw node.Expected("a weight of [outputs, inputs, side, side], the side 1, 3 or 7", OnnxTensor.Shape(weight));
        if (node.Integer("group", 1) != 1)
            throw node.Expected("one group", $"{node.Integer("group", 1)}");
        (Inputs, Outputs, Kernel) = ((int)inputs, (int)outputs, (int)kernel);
        Result = node.Over(input, Kernel, out var stride);
        Stride = stride;
        if (graph.Readers(Result.Name) is not [{ OpType: "BatchNormalization" } norm])
            return;
        CheckNorm(norm);
        Norm = norm;
        Result = Result with { Name = norm.Result() };
    }

    /// <summary>The convolution.</summary>
    public NodeProto Node { get; }

    /// <summary>The batch normalisation; <see langword="null"/> for none.</summary>
    public NodeProto? Norm { get; }

    /// <summary>Channels that it reads.</summary>
    public int Inputs { get; }

    /// <summary>Channels that it makes.</summary>
    public int Outputs { get; }

    /// <summary>Height and width of the kernel, in pixels.</summary>
    public int Kernel { get; }

    /// <summary>The step, in pixels.</summary>
    public int Stride { get; }

    /// <summary>What comes out.</summary>
    public FeatureMap Result { get; }

    /// <summary>Reads a convolution.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="node">The convolution.</param>
    /// <param name="input">What it reads.</param>
    public static ConvolutionUnit Of(OnnxGraph graph, NodeProto node, FeatureMap input)
        => node.Operation() == "Conv" ? new(graph, node, input) : throw node.Expected("a convolution", "something else");

    /// <summary>Its weights under the names of its two layers.</summary>
    /// <param name="convolution">The convolution's name, such as <c>conv1</c>.</param>
    /// <param name="norm">The batch normalisation's, such as <c>bn1</c>.</param>
    public IEnumerable<NamedTensor> Tensors(string convolution, string norm)
    {
        yield return _graph.Required(Node, 1, "a weight").ToNamed($"{convolution}.weight");
        if (_graph.Value(Node, 2) is not null)
            yield return _graph.Required(Node, 2, "a bias").ToNamed($"{convolution}.bias");
        if (Norm is null)
            yield break;
        foreach (var (index, part) in PartsOfNorm.Index())
            yield return _graph.Required(Norm, index + 1, part).ToNamed($"{norm}.{part}");
    }

    private static void CheckNorm(NodeProto norm)
    {
        var epsilon = norm.Number("epsilon", (float)BatchNormalization.Epsilon);
        if (epsilon != (float)BatchNormalization.Epsilon)
            throw norm.Expected($"an epsilon of {BatchNormalization.Epsilon}", $"{epsilon}");
        if (norm.Integer("spatial", 1) != 1)
            throw norm.Expected("statistics for each channel", "statistics for each pixel");
    }
}
