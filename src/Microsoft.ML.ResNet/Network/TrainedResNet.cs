using Microsoft.ML.ResNet.Network.Torch;
using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Network;

/// <summary>Everything that training leaves behind and scoring needs. Immutable.</summary>
/// <param name="Architecture">The plan of the network.</param>
/// <param name="Shape">The images it takes.</param>
/// <param name="Normalization">Makes pixels its input.</param>
/// <param name="Classes">What its outputs stand for, in order.</param>
/// <param name="Weights">The state dictionary.</param>
/// <param name="FlipsAtTestTime">Whether it looks at mirror images too; see <see cref="MirroredView"/>.</param>
internal sealed record TrainedResNet(
    ResNetArchitecture Architecture,
    ImageShape Shape,
    Normalization Normalization,
    ClassLabels Classes,
    IReadOnlyList<NamedTensor> Weights,
    bool FlipsAtTestTime = false)
{
    /// <summary>The reports of the epochs of training; empty where there was none, or nobody knows. The default is empty.</summary>
    public IReadOnlyList<EpochReport> History { get; init; } = [];

    /// <summary>
    /// The number of the epoch that left the weights, the first being 1. The default, <see langword="null"/>, is unknown.
    /// </summary>
    public int? KeptEpoch { get; init; }

    /// <summary>Builds the network, on the CPU and in evaluation mode, and fills it with the weights; the caller owns it.</summary>
    public ResidualNetwork Build()
    {
        ResNetRuntime.EnsureStarted();
        var network = new ResidualNetwork(Architecture, Shape.Channels, Classes.Count);
        StateDictionary.Load(network, Weights);
        network.eval();
        return network;
    }
}
