namespace Microsoft.ML.ResNet;

/// <summary>The residual unit.</summary>
public enum ResNetBlock
{
    /// <summary>Two 3x3 convolutions.</summary>
    Basic,

    /// <summary>1x1 convolution that narrows, 3x3 convolution, 1x1 convolution that widens to four times the stage's width.</summary>
    Bottleneck,
}
