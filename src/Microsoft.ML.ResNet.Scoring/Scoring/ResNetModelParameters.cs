using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet;

/// <summary>What a trained network is: the facts that a model file keeps, without the machinery that scores. Immutable.</summary>
public sealed class ResNetModelParameters
{
    internal ResNetModelParameters(TrainedResNet network) => Network = network;

    internal TrainedResNet Network { get; }

    /// <summary>The plan of the network.</summary>
    public ResNetArchitecture Architecture => Network.Architecture;

    /// <summary>The shape of the images that it takes.</summary>
    public ImageShape ImageShape => Network.Shape;

    /// <summary>How a picture of another size becomes such an image.</summary>
    public ImageGeometry ImageGeometry => Network.Geometry;

    /// <summary>
    /// The names of the classes, in the order of the scores: the values of the label's keys as text, or numbers from 0 where the keys have
    /// no values.
    /// </summary>
    public IReadOnlyList<string> ClassNames => Network.Classes.Names;

    /// <summary>
    /// What is subtracted from every pixel: the mean of each channel over the training images, in units of 0 (black) to 1 (full), or what
    /// the model was imported with. Training from an <c>InitialModel</c> of as many channels keeps that
    /// model's.
    /// </summary>
    public IReadOnlyList<float> ChannelMeans => Network.Normalization.Mean;

    /// <summary>
    /// The deviation of each channel, in the same units and from where <see cref="ChannelMeans"/> come, by which the difference is divided.
    /// </summary>
    public IReadOnlyList<float> ChannelStandardDeviations => Network.Normalization.Deviation;

    /// <summary>Whether scores are the mean over an image and its mirror image; see <c>TestTimeFlip</c> of the recipe.</summary>
    public bool TestTimeFlip => Network.TestTimeFlip;

    /// <summary>Weights that training changes, those included that <c>FrozenStages</c> froze.</summary>
    public long ParameterCount => Network.Plan.Layers.Sum(layer => layer.Parameters);
}
