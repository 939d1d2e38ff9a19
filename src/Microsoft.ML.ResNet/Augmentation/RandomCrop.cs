using System.Globalization;
using Microsoft.ML.ResNet.Augmentation;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet;

/// <summary>
/// Pads every image with black pixels and cuts a window of the original size out of it at a random place: a random shift of up to
/// <paramref name="Padding"/> pixels in each direction (He et al. 2015, section 4.2; torchvision's <c>RandomCrop(size, padding)</c>).
/// </summary>
/// <param name="Padding">Black pixels on each side; at least 1. The papers use 4 for 32x32 images.</param>
public sealed record RandomCrop(int Padding) : ImageAugmentation
{
    /// <inheritdoc/>
    internal override Tensor Apply(Tensor images, AugmentationContext context)
    {
        using var scope = NewDisposeScope();
        var (count, height, width) = (images.shape[0], images.shape[2], images.shape[3]);
        var padded = nn.functional.pad(images, [Padding, Padding, Padding, Padding]); // (N, C, H + 2p, W + 2p)
        var windows = padded.unfold(2, height, 1).unfold(3, width, 1); // a view: (N, C, 2p + 1, 2p + 1, H, W)
        var image = arange(count, device: images.device);
        var crops = windows.permute(0, 2, 3, 1, 4, 5).index([image, Shifts(), Shifts()]); // (N, C, H, W)
        return crops.MoveToOuterDisposeScope();

        Tensor Shifts() => tensor(Enumerable.Range(0, (int)count).Select(_ => (long)context.Random.Next(2 * Padding + 1)).ToArray(), device: images.device);
    }

    /// <inheritdoc/>
    internal override IEnumerable<string> Problems()
    {
        if (Padding < 1)
            yield return $"RandomCrop.Padding is {Padding}; it must be at least 1 pixel. Leave the augmentation out for no shift.";
    }

    /// <summary>As in <c>crop(4)</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"crop({Padding})");
}
