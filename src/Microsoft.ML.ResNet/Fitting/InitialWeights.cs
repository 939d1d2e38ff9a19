using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Network.Torch;
using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Fitting;

/// <summary>The weights that a training takes over from a model, whose architecture it shares.</summary>
/// <param name="Report">Which they are, which others do not fit and are drawn as for training from scratch, and which stay frozen.</param>
/// <param name="Tensors">The weights, in the network's order.</param>
internal sealed record InitialWeights(WeightsReport Report, IReadOnlyList<NamedTensor> Tensors)
{
    /// <summary>
    /// Compares a model with the images and classes to train for. Everything fits but the stem's convolution where the images have other
    /// channels, and the head where the classes differ, if only in their order: its outputs would stand for something else.
    /// </summary>
    /// <param name="initial">The model.</param>
    /// <param name="channels">Colour planes of the images.</param>
    /// <param name="classes">The classes.</param>
    /// <param name="frozenStages">Stages that stay as they are, besides the stem; <see langword="null"/> where nothing does.</param>
    public static InitialWeights Of(TrainedResNet initial, int channels, ClassLabels classes, int? frozenStages)
    {
        var head = StateNames.Rename(initial.Architecture, "fc") + ".";
        var keepsHead = initial.Classes.Names.SequenceEqual(classes.Names);
        bool IsLost(string name) => !keepsHead && name.StartsWith(head, StringComparison.Ordinal);
        var match = StateMatch.Of([.. initial.Weights.Where(tensor => !IsLost(tensor.Name))], initial.Architecture, channels,
            classes.Count);
        List<string> mismatched = [.. match.Mismatched,
            .. match.Missing.Where(IsLost).Select(name => $"{name}: of {Difference(initial.Classes, classes)}")];

        var frozen = frozenStages is { } stages ? StemAndStages(initial, stages) : [];
        List<string> names = [.. match.Matched.Select(tensor => tensor.Name)];
        return new(new WeightsReport(names, [.. match.Missing.Where(name => !IsLost(name))], [], mismatched)
        {
            Frozen = [.. names.Where(frozen.Contains)],
        }, match.Matched);
    }

    /// <summary>Puts the weights into a network in which everything has been drawn.</summary>
    public void LoadInto(ResidualNetwork network)
    {
        var byName = Tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        StateDictionary.Load(network, [.. StateDictionary.Save(network).Select(drawn => byName.GetValueOrDefault(drawn.Name, drawn))]);
    }

    private static HashSet<string> StemAndStages(TrainedResNet model, int stages)
        => [.. model.Plan.Steps.Where(step => step.Stage <= stages)
            .SelectMany(step => step.Layers())
            .SelectMany(layer => layer.State)
            .Select(entry => StateNames.Rename(model.Architecture, entry.Name))];

    private static string Difference(ClassLabels ours, ClassLabels theirs)
        => ours.Names.Order(StringComparer.Ordinal).SequenceEqual(theirs.Names.Order(StringComparer.Ordinal))
            ? "the same classes in another order"
            : "other classes";
}
