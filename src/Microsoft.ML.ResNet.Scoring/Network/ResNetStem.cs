namespace Microsoft.ML.ResNet;

/// <summary>The layers between the image and the first stage.</summary>
public enum ResNetStem
{
    /// <summary>3x3 convolution of stride 1: for images of about 32x32 pixels.</summary>
    Cifar,

    /// <summary>7x7 convolution of stride 2, then 3x3 max pooling of stride 2: for images of about 224x224 pixels.</summary>
    ImageNet,
}
