using System.Runtime.InteropServices;
using Google.Protobuf;
using Microsoft.ML.ResNet.Interop.Onnx.Schema;

namespace Microsoft.ML.ResNet.Interop.Onnx;

/// <summary>
/// Writes a graph down node by node, in the order in which the nodes run. Methods return the name of the value that they add: a node's only
/// output has the node's name.
/// </summary>
internal sealed class GraphBuilder
{
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);

    /// <summary>The graph so far.</summary>
    public GraphProto Graph { get; } = new();

    /// <summary>Whether the graph has a value of that name.</summary>
    public bool Has(string name) => _names.Contains(name);

    /// <summary>Adds an operation.</summary>
    /// <param name="operation">Its name in ONNX, such as <c>Conv</c>.</param>
    /// <param name="name">The name of the node and of its output.</param>
    /// <param name="inputs">The values that it takes.</param>
    /// <param name="attributes">Its settings: whole numbers, or lists of them.</param>
    public string Node(string operation, string name, IEnumerable<string> inputs,
        params ReadOnlySpan<(string Name, object Value)> attributes)
    {
        var node = new NodeProto { OpType = operation, Name = name, Input = { inputs }, Output = { name } };
        foreach (var (key, value) in attributes)
            node.Attribute.Add(value is long[] list
                ? new AttributeProto { Name = key, Type = AttributeProto.Types.AttributeType.Ints, Ints = { list } }
                : new AttributeProto { Name = key, Type = AttributeProto.Types.AttributeType.Int, I = (int)value });
        Graph.Node.Add(node);
        return Named(name);
    }

    /// <summary>Adds a constant of whole numbers, in one dimension.</summary>
    public string Constant(string name, params long[] values)
        => Constant(name, TensorProto.Types.DataType.Int64, MemoryMarshal.AsBytes<long>(values).ToArray(), [values.Length]);

    /// <summary>Adds a constant of floats.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="values">Its elements, little-endian and in row-major order; not copied.</param>
    /// <param name="shape">The size of each dimension.</param>
    public string Constant(string name, ReadOnlyMemory<byte> values, IEnumerable<long> shape)
        => Constant(name, TensorProto.Types.DataType.Float, values, shape);

    /// <summary>Makes the type of an input or output: tensors whose first dimension, the batch, is free.</summary>
    public static TypeProto Batches(TensorProto.Types.DataType element, params IEnumerable<long> sizes)
    {
        var shape = new TensorShapeProto { Dim = { new TensorShapeProto.Types.Dimension { DimParam = "batch" } } };
        shape.Dim.Add(sizes.Select(size => new TensorShapeProto.Types.Dimension { DimValue = size }));
        return new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)element, Shape = shape } };
    }

    private string Constant(string name, TensorProto.Types.DataType type, ReadOnlyMemory<byte> values, IEnumerable<long> shape)
    {
        Graph.Initializer.Add(
            new TensorProto { Name = name, DataType = (int)type, Dims = { shape }, RawData = UnsafeByteOperations.UnsafeWrap(values) });
        return Named(name);
    }

    private string Named(string name)
        => _names.Add(name) ? name : throw new InvalidOperationException($"The graph already has a value '{name}'.");
}
