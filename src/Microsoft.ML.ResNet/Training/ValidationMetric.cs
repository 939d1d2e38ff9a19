namespace Microsoft.ML.ResNet;

/// <summary>By which figure of the validation set one epoch is better than another.</summary>
public enum ValidationMetric
{
    /// <summary>The part that is classified right: higher is better; between equals, the lower loss.</summary>
    Accuracy,

    /// <summary>The mean cross-entropy: lower is better.</summary>
    Loss,
}
