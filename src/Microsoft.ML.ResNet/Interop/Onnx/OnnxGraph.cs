using Microsoft.ML.ResNet.Interop.Onnx.Schema;
using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Interop.Onnx;

/// <summary>
/// The graph of an ONNX file as a walk needs it: from a value to the operations that read it. What only hands a value on (Identity,
/// Dropout) is gone, its outputs being its input; and so is what asks for nothing but a shape.
/// </summary>
internal sealed class OnnxGraph
{
    private readonly Dictionary<string, TensorProto> _constants = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal); // a name, and the name of the value behind it
    private readonly Dictionary<string, List<NodeProto>> _readers = new(StringComparer.Ordinal);
    private readonly HashSet<string> _outputs;

    /// <summary>Reads the nodes in their order, in which ONNX wants each behind those that it reads from: there are no cycles.</summary>
    /// <exception cref="WeightsFormatException">
    /// A node reads what nobody has written before, two values have one name, or the graph does not take images and nothing else.
    /// </exception>
    public OnnxGraph(GraphProto graph)
    {
        foreach (var constant in graph.Initializer)
            AddConstant(constant.Name, constant);
        var inputs = graph.Input.Where(input => !_constants.ContainsKey(input.Name)).ToList(); // old files list constants as inputs too
        if (inputs is not [var image])
            throw OnnxNetwork.Error("the graph", "expected one input, the images, beside those that have values in the file; found "
                + $"{inputs.Count}: {UntrustedText.List(inputs.Select(input => input.Name))}. Export with the weights inside");
        Define(image.Name, image.Name);
        Image = new FeatureMap(image.Name, Side(image, 2), Side(image, 3));
        foreach (var node in graph.Node)
            Add(node);
        _outputs = [.. graph.Output.Select(output => _values.GetValueOrDefault(output.Name, output.Name))];
    }

    /// <summary>The images.</summary>
    public FeatureMap Image { get; }

    /// <summary>The operations that read a value, in the graph's order; each once.</summary>
    public IReadOnlyList<NodeProto> Readers(string value) => _readers.GetValueOrDefault(value, []);

    /// <summary>Whether the graph gives a value away.</summary>
    public bool IsOutput(string value) => _outputs.Contains(value);

    /// <summary>The value that a node reads; <see langword="null"/> where it reads none in that place.</summary>
    public string? Value(NodeProto node, int input)
        => node.Input.Count > input && node.Input[input].Length > 0 ? _values[node.Input[input]] : null;

    /// <summary>The constant that a node reads; <see langword="null"/> where there is none in that place.</summary>
    public TensorProto? Constant(NodeProto node, int input)
        => Value(node, input) is { } value ? _constants.GetValueOrDefault(value) : null;

    /// <summary>The constant that a node must read.</summary>
    /// <param name="node">The node.</param>
    /// <param name="input">The place among its inputs.</param>
    /// <param name="meaning">What it is to the node.</param>
    /// <exception cref="WeightsFormatException">It is computed, or not there.</exception>
    public TensorProto Required(NodeProto node, int input, string meaning)
        => Constant(node, input) ?? throw node.Expected($"{meaning} with values in the file", Value(node, input) is { } value
            ? $"the value {UntrustedText.Quote(value)}, which is computed"
            : "none");

    private void Add(NodeProto node)
    {
        var inputs = node.Input.Where(input => input.Length > 0).Distinct(StringComparer.Ordinal).ToList();
        if (inputs.Find(input => !_values.ContainsKey(input)) is { } unknown)
            throw node.Expected("values that the file has or an earlier operation makes",
                $"{UntrustedText.Quote(unknown)}, which nothing before it makes");
        switch (node.Operation())
        {
            case "Identity" or "Dropout" when Value(node, 0) is { } value:
                Define(node.Output.FirstOrDefault("") is { Length: > 0 } copy ? copy : throw node.Expected("an output", "none"), value);
                break;
            case "Constant" when node.Attribute.FirstOrDefault(attribute => attribute.Name == "value")?.T is { } constant:
                AddConstant(node.Output.FirstOrDefault(""), constant);
                break;
            case "Shape":
                DefineOutputs(node);
                break;
            default:
                foreach (var value in inputs.Select(input => _values[input]).Distinct(StringComparer.Ordinal))
                    (_readers.TryGetValue(value, out var readers) ? readers : _readers[value] = []).Add(node);
                DefineOutputs(node);
                break;
        }
    }

    private void DefineOutputs(NodeProto node)
    {
        foreach (var output in node.Output.Where(output => output.Length > 0))
            Define(output, output);
    }

    private void AddConstant(string name, TensorProto constant)
    {
        Define(name, name);
        _constants.Add(name, constant);
    }

    private void Define(string name, string value)
    {
        if (!_values.TryAdd(name, value))
            throw OnnxNetwork.Error("the graph", $"expected one value {UntrustedText.Quote(name)}, found two");
    }

    private static long? Side(ValueInfoProto image, int dimension)
        => image.Type?.TensorType?.Shape?.Dim.ElementAtOrDefault(dimension) is
        {
            ValueCase: TensorShapeProto.Types.Dimension
            .ValueOneofCase.DimValue, DimValue: > 0 and <= int.MaxValue and var side
        } ? side : null;
}

/// <summary>A value of the graph: images, or what convolutions made of them.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Height">Rows; <see langword="null"/> where the graph takes images of any height.</param>
/// <param name="Width">Columns; <see langword="null"/> where the graph takes images of any width.</param>
internal readonly record struct FeatureMap(string Name, long? Height, long? Width);
