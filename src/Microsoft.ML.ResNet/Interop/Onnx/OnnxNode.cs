using System.Text;
using Microsoft.ML.ResNet.Interop.Onnx.Schema;
using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Interop.Onnx;

/// <summary>What an operation of an ONNX graph is, and its settings.</summary>
internal static class OnnxNode
{
    /// <summary>Its name, with the domain in front where it is none of ONNX's own.</summary>
    public static string Operation(this NodeProto node) => node.Domain is "" or "ai.onnx" ? node.OpType : $"{node.Domain}.{node.OpType}";

    /// <summary>The value that it makes.</summary>
    public static string Result(this NodeProto node)
        => node.Output.Count > 0 && node.Output[0].Length > 0 ? node.Output[0] : throw node.Expected("an output", "none");

    /// <summary>A setting that is a whole number.</summary>
    public static long Integer(this NodeProto node, string name, long otherwise) => Find(node, name)?.I ?? otherwise;

    /// <summary>A setting that is a number.</summary>
    public static float Number(this NodeProto node, string name, float otherwise) => Find(node, name)?.F ?? otherwise;

    /// <summary>A setting that is text.</summary>
    public static string Text(this NodeProto node, string name, string otherwise)
        => Find(node, name)?.S is { } text ? Encoding.UTF8.GetString(text.Span) : otherwise;

    /// <summary>A setting that is a list of whole numbers; <see langword="null"/> where it is not set.</summary>
    public static IReadOnlyList<long>? Integers(this NodeProto node, string name) => Find(node, name)?.Ints;

    /// <summary>The error of an operation that is none of a residual network.</summary>
    public static WeightsFormatException Expected(this NodeProto node, string expected, string found)
        => OnnxNetwork.Error(
            $"node {UntrustedText.Quote(node.Name.Length > 0 ? node.Name : node.Output.FirstOrDefault(""))} "
            + $"({UntrustedText.Quote(node.Operation()).Trim('\'')})", $"expected {expected}, found {found}");

    private static AttributeProto? Find(NodeProto node, string name) => node.Attribute.FirstOrDefault(attribute => attribute.Name == name);
}
