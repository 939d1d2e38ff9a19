namespace Microsoft.ML.ResNet;

/// <summary>What carries the input past a block that changes its shape; where the shape stays, it is the identity.</summary>
public enum ResNetShortcut
{
    /// <summary>1x1 convolution and batch normalisation: the paper's option B, and what torchvision does.</summary>
    Projection,

    /// <summary>Every second pixel, zeros for the new channels on both sides: the paper's option A, without parameters.</summary>
    Padding,

    /// <summary>1x1 convolution without batch normalisation, as in the textbook "Dive into Deep Learning".</summary>
    BareProjection,
}
