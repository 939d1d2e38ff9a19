using Microsoft.ML.ResNet.Augmentation;
using Microsoft.ML.ResNet.Network.Torch;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet;

/// <summary>Mirrors images left to right: each with probability one half (He et al. 2015, section 4.2), or in turns.</summary>
public sealed record HorizontalFlip : ImageAugmentation
{
    /// <summary>
    /// Whether an image is mirrored every other epoch, a coin having decided which epochs, so that two epochs show it both ways (Jordan
    /// 2024, arXiv:2404.00498, section 3.6). The default tosses a coin every time.
    /// </summary>
    public bool Alternating { get; init; }

    /// <inheritdoc/>
    internal override Tensor Apply(Tensor images, AugmentationContext context)
    {
        using var scope = NewDisposeScope();
        var chosen = context.Draw(images, image => Flips(image, context));
        var flipped = PlanarBytes.AreIn(images)
            ? InMemory(images, chosen)
            : where(tensor(chosen).SentTo(images.device).view(-1, 1, 1, 1), images.flip(3), images);
        return flipped.MoveToOuterDisposeScope();
    }

    // The same, without looking at the images that stay.
    private static Tensor InMemory(Tensor images, bool[] chosen)
    {
        var flipped = images.clone();
        var pixels = flipped.bytes;
        var (width, length) = ((int)images.shape[3], pixels.Length / chosen.Length);
        for (var row = 0; row < pixels.Length; row += width)
            if (chosen[row / length])
                pixels.Slice(row, width).Reverse();
        return flipped;
    }

    /// <inheritdoc/>
    internal override IEnumerable<string> Problems() => [];

    /// <summary>As <c>flip</c> or <c>flip in turns</c>.</summary>
    public override string ToString() => Alternating ? "flip in turns" : "flip";

    private bool Flips(int image, AugmentationContext context)
        => Alternating ? ((context.CoinOf(image) + context.Epoch) & 1) == 1 : context.Random.Next(2) == 1;
}
