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

    /// <summary>A piece of a batch; the caller disposes its tensors.</summary>
    /// <param name="piece">Which of its rows, and which of the images that are at hand.</param>
    public MixedBatch Slice(BatchPiece piece) => this with
    {
        Images = new PixelBatch(Images.Pixels.narrow(0, piece.FirstOwn, piece.Own), Images.Labels.narrow(0, piece.First, piece.Count),
            Images.Weights?.narrow(0, piece.First, piece.Count)),
        PartnerLabels = PartnerLabels?.narrow(0, piece.First, piece.Count),
        PartnerWeights = PartnerWeights?.narrow(0, piece.First, piece.Count),
    };
}
