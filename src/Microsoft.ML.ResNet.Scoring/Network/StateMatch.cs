using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Network;

/// <summary>
/// The one answer to "does this state dictionary fit?": tensors beside those that a network needs, by name, type and shape. Files of
/// weights, saved models, initial weights and the engine's own networks all ask here, and all say it in these words.
/// </summary>
internal sealed class StateMatch
{
    private readonly List<NamedTensor> _matched = [], _unexpected = [];
    private readonly List<string> _missing = [], _mismatched = [];

    private StateMatch(IReadOnlyList<NamedTensor> found, IEnumerable<StateEntry> expected)
    {
        var rest = new OrderedDictionary<string, NamedTensor>(StringComparer.Ordinal);
        foreach (var tensor in found)
            if (!rest.TryAdd(tensor.Name, tensor))
                _unexpected.Add(tensor); // a second one of that name
        foreach (var (name, type, shape, _) in expected)
        {
            if (!rest.Remove(name, out var tensor))
                _missing.Add(name);
            else if (tensor.Type == type && tensor.Shape.SequenceEqual(shape))
                _matched.Add(tensor);
            else
                _mismatched.Add($"{tensor}, expected {type}[{string.Join(", ", shape)}]");
        }
        _unexpected.AddRange(rest.Values);
    }

    /// <summary>What fits, in the network's order.</summary>
    public IReadOnlyList<NamedTensor> Matched => _matched;

    /// <summary>The names of what the network needs and was not found, in the network's order.</summary>
    public IReadOnlyList<string> Missing => _missing;

    /// <summary>What has another type or shape, each as <c>fc.weight: Float32[10, 64], expected Float32[2, 64]</c>.</summary>
    public IReadOnlyList<string> Mismatched => _mismatched;

    /// <summary>What the network has no place for, in the order in which it was found.</summary>
    public IReadOnlyList<NamedTensor> Unexpected => _unexpected;

    /// <summary>Whether nothing is missing, mismatched or unexpected.</summary>
    public bool IsExact => _missing.Count + _mismatched.Count + _unexpected.Count == 0;

    /// <summary>Compares with the state dictionary of an architecture.</summary>
    /// <param name="found">The tensors.</param>
    /// <param name="architecture">The network that needs weights.</param>
    /// <param name="channels">Colour planes of its images.</param>
    /// <param name="classes">Its outputs.</param>
    public static StateMatch Of(IReadOnlyList<NamedTensor> found, ResNetArchitecture architecture, int channels, int classes)
        => new(found, NetworkPlan.StateOf(architecture, channels, classes));

    /// <summary>Compares with any list of names, types and shapes.</summary>
    public static StateMatch Of(IReadOnlyList<NamedTensor> found, IEnumerable<StateEntry> expected)
        => new(found, expected);

    /// <summary>
    /// What makes the values of weights useless, as in <c>'bn1.running_var' has a variance below zero</c>; <see langword="null"/> where
    /// nothing does.
    /// </summary>
    public static string? ProblemOfValues(IEnumerable<NamedTensor> tensors)
    {
        foreach (var tensor in tensors)
        {
            if (tensor.Type == ElementType.Float32 && !tensor.IsFinite())
                return $"'{tensor.Name}' has values that are not finite numbers";
            if (tensor.Type == ElementType.Float32 && tensor.Name.EndsWith(".running_var", StringComparison.Ordinal)
                && tensor.HasNegative())
                return $"'{tensor.Name}' has a variance below zero";
        }
        return null;
    }

    /// <summary>
    /// As in <c>2 missing: 'fc.weight', 'fc.bias'; 1 unexpected: 'head.weight'</c>: the first ten of each kind; empty where all fit.
    /// </summary>
    public static string Describe(IReadOnlyList<string> missing, IReadOnlyList<string> mismatched, IReadOnlyList<string> unexpected)
        => string.Join("; ", new[] { ("missing", missing), ("mismatched", mismatched), ("unexpected", unexpected) }
            .Where(kind => kind.Item2.Count > 0)
            .Select(kind => $"{kind.Item2.Count} {kind.Item1}: {UntrustedText.List(kind.Item2)}"));

    /// <summary>What does not fit, as <see cref="Describe"/> says it.</summary>
    public override string ToString() => Describe(_missing, _mismatched, [.. _unexpected.Select(tensor => tensor.Name)]);
}
