using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Persistence;

/// <summary>Compares the weights of a file with what its architecture needs, before a network is built.</summary>
internal static class WeightCheck
{
    /// <summary>Checks names, types, shapes and values.</summary>
    /// <param name="found">The weights of the file.</param>
    /// <param name="architecture">The network that the file describes.</param>
    /// <param name="channels">Colour planes of its images.</param>
    /// <param name="classes">Its outputs.</param>
    /// <exception cref="ModelFormatException">Something differs, or a value is not a number.</exception>
    public static void Check(IReadOnlyList<NamedTensor> found, ResNetArchitecture architecture, int channels, int classes)
    {
        // A hostile plan can ask for millions of tensors. Those that are looked at are more than there are, so that none is overlooked.
        var match = StateMatch.Of(found, NetworkPlan.StateOf(architecture, channels, classes).Take(2 * found.Count + 100));
        if (!match.IsExact)
            throw new ModelFormatException($"The weights do not fit the architecture: {match}.");
        if (StateMatch.ProblemOfValues(match.Matched) is { } problem)
            throw new ModelFormatException($"The weights cannot be used: {problem}.");
    }
}
