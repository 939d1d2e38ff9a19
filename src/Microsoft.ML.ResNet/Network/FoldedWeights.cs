using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Network;

/// <summary>
/// A model's weights as evaluation needs them: under torchvision's names, whatever the model's own are, and without batch normalisations.
/// </summary>
internal sealed class FoldedWeights
{
    private readonly Dictionary<string, NamedTensor> _weights;

    /// <param name="model">Its weights fit its plan.</param>
    public FoldedWeights(TrainedResNet model)
    {
        var byName = model.Weights.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        _weights = NetworkPlan.State(model.Architecture with { Naming = ResNetNaming.Torchvision }, model.Shape.Channels,
            model.Classes.Count)
            .ToDictionary(entry => entry.Name, entry => byName[StateNames.Rename(model.Architecture, entry.Name)], StringComparer.Ordinal);
    }

    /// <summary>A convolution that does the work of the normalisation behind it.</summary>
    /// <param name="name">The convolution's name, such as <c>layer1.0.conv1</c>.</param>
    /// <param name="norm">The normalisation's name; <see langword="null"/> where none follows.</param>
    public FoldedConvolution Convolution(string name, string? norm) => FoldedConvolution.Create(_weights, name, norm);

    /// <summary>The classifier as what it is, too: a 1x1 convolution of an image of one pixel, (classes, features, 1, 1).</summary>
    public FoldedConvolution Classifier()
    {
        var (weight, bias) = (_weights["fc.weight"], _weights["fc.bias"]);
        return new FoldedConvolution(weight.Data, [.. weight.Shape, 1, 1], bias.Data);
    }
}
