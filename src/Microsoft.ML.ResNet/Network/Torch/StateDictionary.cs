using Microsoft.ML.ResNet.Tensors;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Network.Torch;

/// <summary>A network's weights as named tensors, in the <c>state_dict</c> names and order of its architecture, and back.</summary>
internal static class StateDictionary
{
    /// <summary>Every tensor of the network by name; the tensors stay the network's own.</summary>
    public static IEnumerable<(string Name, Tensor Tensor)> Entries(ResidualNetwork network)
        => StateNames.Arrange(network.Architecture, Walk(network), entry => entry.Name, (entry, name) => (name, entry.Tensor));

    /// <summary>Those of them that are not frozen.</summary>
    public static IEnumerable<(string Name, Tensor Tensor)> Learning(ResidualNetwork network) => StateNames.Arrange(network.Architecture,
        Walk(network).Where(entry => !network.IsFrozen(entry.Name)), entry => entry.Name, (entry, name) => (name, entry.Tensor));

    /// <summary>Copies the network's weights out of the engine.</summary>
    public static IReadOnlyList<NamedTensor> Save(ResidualNetwork network)
        => [.. Entries(network).Select(entry => RawTensors.Save(entry.Name, entry.Tensor))];

    /// <summary>Copies weights into the network.</summary>
    /// <exception cref="ArgumentException">Names, types or shapes are not the network's; the message lists the differences.</exception>
    public static void Load(ResidualNetwork network, IReadOnlyList<NamedTensor> weights)
    {
        var entries = Entries(network).ToList();
        var match = StateMatch.Of(weights, entries.Select(entry
            => new StateEntry(entry.Name, RawTensors.TypeOf(entry.Tensor), entry.Tensor.shape)));
        if (!match.IsExact)
            throw new ArgumentException($"The weights do not fit the network: {match}.", nameof(weights));

        foreach (var (entry, source) in entries.Zip(match.Matched)) // both in the network's order
            RawTensors.Load(entry.Tensor, source);
    }

    private static IEnumerable<(string Name, Tensor Tensor)> Walk(nn.Module module, string prefix = "")
    {
        foreach (var (name, parameter) in module.named_parameters(recurse: false))
            yield return (prefix + name, parameter);
        foreach (var (name, buffer) in module.named_buffers(recurse: false))
            yield return (prefix + name, buffer);
        foreach (var (name, child) in module.named_children())
            foreach (var entry in Walk(child, $"{prefix}{name}."))
                yield return entry;
    }
}
