using Microsoft.ML.ResNet.Images;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Training;

/// <summary>What training makes small.</summary>
internal static class Loss
{
    /// <summary>The mean cross-entropy of a batch, each row counted by its weight.</summary>
    /// <param name="logits">float32, (n, classes).</param>
    /// <param name="batch">The rows. Their weights are 1 on average over the whole set, so that the mean over a set is that over its batches.</param>
    /// <param name="labelSmoothing">The part of the target that is spread evenly over all classes, in [0, 1).</param>
    /// <returns>A scalar, in nats; the caller owns it.</returns>
    public static Tensor Of(Tensor logits, PixelBatch batch, double labelSmoothing = 0)
    {
        if (batch.Weights is null)
            return nn.functional.cross_entropy(logits, batch.Labels, label_smoothing: labelSmoothing);
        using var losses = nn.functional.cross_entropy(logits, batch.Labels, reduction: nn.Reduction.None, label_smoothing: labelSmoothing);
        using var weighted = losses * batch.Weights;
        return weighted.mean();
    }
}
