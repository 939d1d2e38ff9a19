using Microsoft.ML.ResNet.Data;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Augmentation;

/// <summary>Images that were mixed with partners, and what both are.</summary>
/// <param name="Images">The mixtures, with the labels and weights of the images themselves.</param>
/// <param name="PartnerLabels">int64, (n): the labels of the partners; <see langword="null"/> where nothing was mixed.</param>
/// <param name="PartnerWeights">float32, (n): what the partners count; <see langword="null"/> where all rows count the same.</param>
/// <param name="Share">The part that the images themselves have in the mixtures, from 0 to 1.</param>
internal readonly record struct MixedBatch(PixelBatch Images, Tensor? PartnerLabels, Tensor? PartnerWeights, double Share)
{
    /// <summary>A batch that was not mixed.</summary>
    public static MixedBatch Unmixed(PixelBatch batch) => new(batch, null, null, 1);

    /// <summary>The mixtures, with the labels and weights of the partners; <see langword="null"/> where nothing was mixed.</summary>
    public PixelBatch? Partners => PartnerLabels is null ? null : new PixelBatch(Images.Pixels, PartnerLabels, PartnerWeights);

    /// <summary>int64, (n): the labels of those that have the larger part.</summary>
    public Tensor DominantLabels => PartnerLabels is not null && Share < 0.5 ? PartnerLabels : Images.Labels;

    /// <summary>A view of consecutive rows; the caller disposes its tensors.</summary>
    public MixedBatch Slice(int first, int count)
        => new(Images.Slice(first, count), PartnerLabels?.narrow(0, first, count), PartnerWeights?.narrow(0, first, count), Share);
}
