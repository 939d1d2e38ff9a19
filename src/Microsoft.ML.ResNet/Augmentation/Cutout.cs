using System.Globalization;
using Microsoft.ML.ResNet.Augmentation;
using Microsoft.ML.ResNet.Network.Torch;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet;

/// <summary>
/// Covers a square at a random place of every image with the mean colour of the training set (DeVries, Taylor 2017, arXiv:1708.04552). The
/// square's centre may lie anywhere in the image, so that part of it may lie outside.
/// </summary>
public sealed record Cutout : ImageAugmentation
{
    /// <summary>Makes the augmentation.</summary>
    /// <param name="size">The side of the square, in pixels; at least 1.</param>
    public Cutout(int size) => Size = size;

    /// <summary>The side of the square, in pixels; at least 1. The paper uses 16 for CIFAR-10, 8 for CIFAR-100.</summary>
    public int Size { get; }

    /// <inheritdoc/>
    internal override Tensor Apply(Tensor images, AugmentationContext context)
    {
        using var scope = NewDisposeScope();
        var (height, width) = (images.shape[2], images.shape[3]);
        var rows = Covered(height).view(-1, 1, height, 1); // (N, 1, H, 1)
        var columns = Covered(width).view(-1, 1, 1, width); // (N, 1, 1, W)
        var colour = tensor(context.Normalization.Mean.Select(mean => (byte)MathF.Round(255 * mean)).ToArray()).SentTo(images.device)
            .view(1, -1, 1, 1);
        return where(rows.logical_and(columns), colour, images).MoveToOuterDisposeScope();

        // Whether each position along a side is covered, for every image: (N, length).
        Tensor Covered(long length)
        {
            var first = tensor(context.Draw(images, _ => context.Random.NextInt64(length) - Size / 2)).SentTo(images.device).view(-1, 1);
            var position = arange(length, device: images.device).view(1, -1);
            return position.ge(first).logical_and(position.lt(first + Size));
        }
    }

    /// <inheritdoc/>
    internal override IEnumerable<string> Problems()
    {
        if (Size < 1)
            yield return $"Cutout.Size is {Size}; it must be at least 1 pixel. Leave the augmentation out to cover nothing.";
    }

    /// <summary>As in <c>cutout(8)</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"cutout({Size})");
}
