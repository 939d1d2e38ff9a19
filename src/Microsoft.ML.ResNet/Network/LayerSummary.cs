using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet;

/// <summary>One line of a network's summary.</summary>
/// <param name="Name">The layer's name in the state dictionary, such as <c>layer1.0.conv1</c>.</param>
/// <param name="Type">What it is: <c>Convolution 3x3</c>, <c>BatchNorm</c>, <c>MaxPool</c>, <c>AveragePool</c> or <c>Linear</c>.</param>
/// <param name="Output">What comes out for one image; a vector of features counts as channels of one pixel.</param>
/// <param name="Parameters">Weights that training changes.</param>
/// <param name="MultiplyAdds">Multiplications for one image, each with its addition; normalisation and pooling count as none.</param>
public sealed record LayerSummary(string Name, string Type, ImageShape Output, long Parameters, long MultiplyAdds);

public sealed partial record ResNetArchitecture
{
    /// <summary>Lists the layers of the network that this plan makes of some images, without building it.</summary>
    /// <param name="image">The shape of the images.</param>
    /// <param name="numberOfClasses">The classes to tell apart; at least 2.</param>
    /// <exception cref="ArgumentOutOfRangeException">The shape has a side below 1, or there are fewer than two classes.</exception>
    public IReadOnlyList<LayerSummary> Summarize(ImageShape image, int numberOfClasses)
    {
        if (image is not { Channels: >= 1, Height: >= 1, Width: >= 1 })
            throw new ArgumentOutOfRangeException(nameof(image), image, "Channels, height and width must be at least 1.");
        ArgumentOutOfRangeException.ThrowIfLessThan(numberOfClasses, 2);
        return [.. NetworkPlan.Layers(this, image, numberOfClasses)
            .Select(layer => new LayerSummary(StateNames.Rename(this, layer.Name), Describe(layer), layer.Output, layer.Parameters,
            layer.MultiplyAdds))];
    }

    private static string Describe(PlannedLayer layer)
        => layer.Kind == LayerKind.Convolution
            ? FormattableString.Invariant($"Convolution {layer.Kernel}x{layer.Kernel}")
            : layer.Kind.ToString();
}
