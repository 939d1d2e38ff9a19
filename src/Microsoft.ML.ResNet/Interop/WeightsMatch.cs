using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Interop;

/// <summary>Tensors of a file beside those that a network needs.</summary>
/// <param name="Report">What fits and what does not.</param>
/// <param name="Tensors">What fits, by name: of the type that the network needs, and with values that make sense.</param>
internal sealed record WeightsMatch(WeightsReport Report, IReadOnlyDictionary<string, NamedTensor> Tensors)
{
    /// <summary>The end of the names of the counters that PyTorch keeps beside running statistics.</summary>
    public const string BatchCounter = ".num_batches_tracked";

    /// <summary>Compares.</summary>
    /// <param name="found">The file's tensors, under our names, which are distinct.</param>
    /// <param name="architecture">The network that needs weights.</param>
    /// <param name="channels">Colour planes of its images.</param>
    /// <param name="classes">Its outputs.</param>
    /// <exception cref="WeightsFormatException">
    /// A tensor that fits has a value that is NaN or infinite, or a variance below zero.
    /// </exception>
    public static WeightsMatch Of(IReadOnlyList<NamedTensor> found, ResNetArchitecture architecture, int channels, int classes)
    {
        var rest = found.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        var tensors = new Dictionary<string, NamedTensor>(StringComparer.Ordinal);
        List<string> matched = [], missing = [], mismatched = [];
        foreach (var (name, type, shape, _) in NetworkPlan.StateOf(architecture, channels, classes))
        {
            if (!rest.Remove(name, out var tensor))
                AddMissing(name);
            else if (tensor.ToFloat32() is var converted && converted.Type == type && converted.Shape.SequenceEqual(shape))
                AddMatched(Checked(converted));
            else
                mismatched.Add($"{tensor}, expected {type}[{string.Join(", ", shape)}]");
        }
        return new(new WeightsReport(matched, missing, [.. rest.Keys], mismatched), tensors);

        void AddMatched(NamedTensor tensor)
        {
            matched.Add(tensor.Name);
            tensors.Add(tensor.Name, tensor);
        }

        void AddMissing(string name)
        {
            if (name.EndsWith(BatchCounter, StringComparison.Ordinal))
                tensors.Add(name, new NamedTensor(name, ElementType.Int64, [], new byte[sizeof(long)]));
            else
                missing.Add(name);
        }
    }

    private static NamedTensor Checked(NamedTensor tensor)
    {
        if (tensor.Type == ElementType.Float32 && !tensor.IsFinite())
            throw Error("finite numbers, found NaN or infinity");
        if (tensor.Name.EndsWith(".running_var", StringComparison.Ordinal) && tensor.HasNegative())
            throw Error("variances, found one below zero");
        return tensor;

        WeightsFormatException Error(string problem) => new("weights file", $"tensor '{tensor.Name}'", $"expected {problem}");
    }
}
