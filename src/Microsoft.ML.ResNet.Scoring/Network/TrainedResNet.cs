using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Network;

/// <summary>Everything that training leaves behind and scoring needs. Immutable.</summary>
/// <param name="Architecture">The plan of the network.</param>
/// <param name="Shape">The images it takes.</param>
/// <param name="Normalization">Makes pixels its input.</param>
/// <param name="Classes">What its outputs stand for, in order.</param>
/// <param name="Weights">The state dictionary.</param>
/// <param name="TestTimeFlip">Whether it looks at mirror images too and averages the logits.</param>
internal sealed record TrainedResNet(
    ResNetArchitecture Architecture,
    ImageShape Shape,
    Normalization Normalization,
    ClassLabels Classes,
    IReadOnlyList<NamedTensor> Weights,
    bool TestTimeFlip = false)
{
    /// <summary>The reports of the epochs of training; empty where there was none, or nobody knows. The default is empty.</summary>
    public IReadOnlyList<EpochReport> History { get; init; } = [];

    /// <summary>
    /// The number of the epoch that left the weights, the first being 1. The default, <see langword="null"/>, is unknown.
    /// </summary>
    public int? KeptEpoch { get; init; }

    /// <summary>How a picture of another size becomes an image of <see cref="Shape"/>. The default is that of models without one.</summary>
    public ImageGeometry Geometry { get; init; } = ImageGeometry.Legacy;

    /// <summary>What pictures become.</summary>
    public ImageTarget Target => new(Shape, Geometry);

    /// <summary>The network on paper.</summary>
    public NetworkPlan Plan => NetworkPlan.Of(Architecture, Shape, Classes.Count);
}
