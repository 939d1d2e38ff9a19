using Microsoft.ML.ResNet.Scoring;

namespace Microsoft.ML.ResNet.Reports.Report;

/// <summary>Tells where a network looks.</summary>
/// <param name="network">The network.</param>
internal sealed class Glance(ResNetTransformer network)
{
    private static readonly PictureArea Whole = new() { Height = 1, Width = 1 };

    private readonly ClassActivations _activations = new(network.Model.Network);
    private readonly float[] _lastMap = new float[network.Scorer.LastMap.Size];

    /// <summary>The maps of a picture: of the predicted class, and of the true class where that is another.</summary>
    /// <param name="pixels">The picture as the network sees it.</param>
    /// <param name="outcome">What the network says of it.</param>
    public IReadOnlyList<ActivationMap> At(ReadOnlyMemory<byte> pixels, Outcome outcome)
    {
        network.Scorer.ComputeLastMaps(pixels, 1, _lastMap);
        int[] classes = outcome.IsRight ? [outcome.Label] : [outcome.Predicted, outcome.Label];
        return [.. classes.Select(index => _activations.Of(_lastMap, index, Whole))];
    }
}
