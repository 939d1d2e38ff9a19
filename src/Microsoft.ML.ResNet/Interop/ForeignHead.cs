using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Interop;

/// <summary>
/// Recognises the classifier of a network under a name that no rule knows: <c>fc.1</c> (dropout before it), <c>classifier</c>,
/// <c>head</c>, <c>head.fc</c>, <c>last_linear</c>. It is told by its shape, and only where nothing else could be meant.
/// </summary>
internal static class ForeignHead
{
    private const string Weight = ".weight", Bias = ".bias";

    /// <summary>
    /// Renames the one weight of two dimensions and its bias that are left over, if they take the network's features. A head of several
    /// layers, such as fastai's, is left as it is: its last layer alone would be another network.
    /// </summary>
    /// <param name="found">The tensors, under our names as far as rules know them.</param>
    /// <param name="architecture">The network that needs a head.</param>
    /// <returns>The tensors, two of them renamed or none.</returns>
    public static IReadOnlyList<NamedTensor> Rename(IReadOnlyList<NamedTensor> found, ResNetArchitecture architecture)
    {
        var head = StateNames.Rename(architecture, "fc");
        var needed = NetworkPlan.StateOf(architecture, channels: 3, classes: 2).Select(entry => entry.Name)
            .ToHashSet(StringComparer.Ordinal);
        if (found.Any(tensor => tensor.Name == head + Weight || tensor.Name == head + Bias))
            return found;
        var rest = found.Where(tensor => !needed.Contains(tensor.Name)).ToList();
        if (rest.Where(tensor => tensor.Shape.Count == 2).ToList() is not [{ Shape: [var outputs, var inputs] } weight]
            || inputs != architecture.FeatureWidth || !weight.Name.EndsWith(Weight, StringComparison.Ordinal))
            return found;
        var name = weight.Name[..^Weight.Length];
        if (rest.Find(tensor => tensor.Name == name + Bias) is not { Shape: [var biases] } bias || biases != outputs)
            return found;
        var parent = name.Contains('.') ? name[..(name.LastIndexOf('.') + 1)] : name + ".";
        if (rest.Any(tensor => tensor != weight && tensor != bias && tensor.Name.StartsWith(parent, StringComparison.Ordinal)))
            return found; // a normalisation in the head, for example
        return [.. found.Select(tensor => tensor == weight ? tensor with { Name = head + Weight }
            : tensor == bias ? tensor with { Name = head + Bias } : tensor)];
    }
}
