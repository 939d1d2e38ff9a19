namespace Microsoft.ML.ResNet;

/// <summary>The names and the order of the entries of a network's state dictionary.</summary>
public enum ResNetNaming
{
    /// <summary>
    /// torchvision's and timm's: <c>conv1</c>, <c>bn1</c>, <c>layer1.0.conv1</c>, <c>layer2.0.downsample.0</c>, <c>fc</c>.
    /// </summary>
    Torchvision,

    /// <summary>
    /// That of the textbook "Dive into Deep Learning": places in nested sequences (<c>0.0</c>, <c>0.1</c>, <c>1.0.conv1</c>, <c>7</c>); a
    /// block lists its convolutions, the shortcut's being the last of them, before its normalisations.
    /// </summary>
    D2l,
}
