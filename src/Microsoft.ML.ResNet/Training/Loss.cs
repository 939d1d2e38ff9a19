using Microsoft.ML.ResNet.Augmentation;
using Microsoft.ML.ResNet.Data;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Training;

/// <summary>The loss that training minimises.</summary>
internal static class Loss
{
    /// <summary>The mean cross-entropy of a batch, each row counted by its weight.</summary>
    /// <param name="logits">float32, (n, classes).</param>
    /// <param name="batch">
    /// The rows. Their weights are 1 on average over the whole set, so that the mean over a set is that over its batches.
    /// </param>
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

    /// <summary>
    /// The same for mixtures: the loss against their own labels and that against their partners', each times its share (equation 10 of
    /// Zhang et al. 2017).
    /// </summary>
    /// <param name="logits">float32, (n, classes).</param>
    /// <param name="batch">The mixtures.</param>
    /// <param name="labelSmoothing">The part of the target that is spread evenly over all classes, in [0, 1).</param>
    /// <returns>A scalar, in nats; the caller owns it.</returns>
    public static Tensor Of(Tensor logits, MixedBatch batch, double labelSmoothing)
    {
        if (batch.Partners is not { } partners)
            return Of(logits, batch.Images, labelSmoothing);
        using var own = Of(logits, batch.Images, labelSmoothing);
        using var other = Of(logits, partners, labelSmoothing);
        using var ownPart = own * batch.Share;
        return ownPart.add(other, alpha: 1 - batch.Share);
    }
}
