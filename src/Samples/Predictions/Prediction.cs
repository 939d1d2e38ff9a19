using Microsoft.ML.ResNet;

namespace Samples.Predictions;

/// <summary>What a model says about an image.</summary>
internal class Prediction
{
    /// <summary>The probability of each class, in the order of <see cref="ResNetModelParameters.ClassNames"/>.</summary>
    public float[] Score { get; set; } = [];

    /// <summary>Whether there was an image to look at; without one, the probabilities are no numbers.</summary>
    public bool IsKnown => !Array.Exists(Score, float.IsNaN);
}
