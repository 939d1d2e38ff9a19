using Microsoft.ML.ResNet.Augmentation;
using Microsoft.ML.ResNet.Data;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet;

/// <summary>
/// Lays a partner over every image of a batch: <c>part x image + (1 - part) x partner</c>, with one part for the whole batch, as the
/// authors' code has it (Zhang et al. 2017, arXiv:1710.09412). Pixels are rounded to whole numbers.
/// </summary>
public sealed record Mixup : ImageMix
{
    /// <summary>Makes the mix.</summary>
    /// <param name="alpha">
    /// The shape of the distribution of the part, Beta(alpha, alpha); above 0. The default is 0.2, the paper's for ImageNet; it uses 1 for
    /// CIFAR-10.
    /// </param>
    public Mixup(double alpha = 0.2) : base(alpha)
    {
    }

    /// <inheritdoc/>
    private protected override string Name => "mixup";

    /// <inheritdoc/>
    private protected override MixedBatch Mix(PixelBatch batch, PixelBatch partners, double share, Random random)
    {
        using var scope = NewDisposeScope();
        var other = partners.Pixels.to_type(ScalarType.Float32);
        var sum = batch.Pixels.to_type(ScalarType.Float32).mul_(share).add_(other, alpha: 1 - share);
        var pixels = sum.round_().to_type(ScalarType.Byte);
        partners.Pixels.Dispose();
        return new MixedBatch(batch with { Pixels = pixels.MoveToOuterDisposeScope() }, partners.Labels, partners.Weights, share);
    }
}
