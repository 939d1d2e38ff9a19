using Microsoft.ML.ResNet.Augmentation;
using Microsoft.ML.ResNet.Data;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet;

/// <summary>
/// Pastes a rectangle of a partner into every image of a batch, at the same place, one rectangle for the whole batch, as the authors' code
/// has it (Yun et al. 2019, arXiv:1905.04899). Its sides are the image's times the root of the partner's part; its centre may lie anywhere,
/// and what sticks out of the image is lost. The part that counts is that of the pixels in the end.
/// </summary>
public sealed record CutMix : ImageMix
{
    /// <summary>Makes the mix.</summary>
    /// <param name="alpha">
    /// The shape of the distribution of the image's part, Beta(alpha, alpha); above 0. The default is 1, the paper's.
    /// </param>
    public CutMix(double alpha = 1) : base(alpha)
    {
    }

    /// <inheritdoc/>
    private protected override string Name => "cutmix";

    /// <inheritdoc/>
    private protected override MixedBatch Mix(PixelBatch batch, PixelBatch partners, double share, Random random)
    {
        var (height, width) = (batch.Pixels.shape[2], batch.Pixels.shape[3]);
        var (top, rows) = Side(height);
        var (left, columns) = Side(width);
        using var scope = NewDisposeScope();
        var pixels = batch.Pixels.clone();
        pixels.narrow(2, top, rows).narrow(3, left, columns).copy_(partners.Pixels.narrow(2, top, rows).narrow(3, left, columns));
        partners.Pixels.Dispose();
        return new MixedBatch(batch with { Pixels = pixels.MoveToOuterDisposeScope() }, partners.Labels, partners.Weights,
            1 - (double)(rows * columns) / (height * width));

        // Where the rectangle begins along a side of the image, and how much of it lies inside.
        (long First, long Count) Side(long length)
        {
            var size = (long)(length * Math.Sqrt(1 - share));
            var first = random.NextInt64(length) - size / 2;
            var (start, end) = (Math.Max(first, 0), Math.Min(first + size, length));
            return (start, end - start);
        }
    }
}
