using System.Globalization;
using Microsoft.ML.ResNet.Augmentation;
using Microsoft.ML.ResNet.Network.Torch;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet;

/// <summary>
/// Pads every image with black pixels and cuts a window of the original size out of it at a random place: a random shift of up to
/// <see cref="Padding"/> pixels in each direction (He et al. 2015, section 4.2; torchvision's <c>RandomCrop(size, padding)</c>).
/// </summary>
public sealed record RandomCrop : ImageAugmentation
{
    /// <summary>Makes the augmentation.</summary>
    /// <param name="padding">Black pixels on each side; at least 1.</param>
    public RandomCrop(int padding) => Padding = padding;

    /// <summary>Black pixels on each side; at least 1. The papers use 4 for 32x32 images.</summary>
    public int Padding { get; }

    /// <inheritdoc/>
    internal override Tensor Apply(Tensor images, AugmentationContext context)
    {
        using var scope = NewDisposeScope();
        var (count, height, width) = ((int)images.shape[0], (int)images.shape[2], (int)images.shape[3]);
        long[] down = Shifts(), right = Shifts();
        return (PlanarBytes.AreIn(images) ? InMemory(images, down, right) : ByOperations()).MoveToOuterDisposeScope();

        long[] Shifts() => context.Draw(images, _ => (long)context.Random.Next(2 * Padding + 1));

        Tensor ByOperations()
        {
            var padded = nn.functional.pad(images, [Padding, Padding, Padding, Padding]); // (N, C, H + 2p, W + 2p)
            var windows = padded.unfold(2, height, 1).unfold(3, width, 1); // a view: (N, C, 2p + 1, 2p + 1, H, W)
            // (N, C, H, W)
            return windows.permute(0, 2, 3, 1, 4, 5)
                .index([arange(count, device: images.device), tensor(down).SentTo(images.device), tensor(right).SentTo(images.device)]);
        }
    }

    // The same, without an index for every byte.
    private Tensor InMemory(Tensor images, long[] down, long[] right)
    {
        var crops = zeros_like(images);
        Span<byte> source = images.bytes, target = crops.bytes;
        var (channels, height, width) = ((int)images.shape[1], (int)images.shape[2], (int)images.shape[3]);
        for (var line = 0; line < down.Length * channels * height; line++)
        {
            var (plane, y) = Math.DivRem(line, height);
            var (fromY, fromX) = (y + (int)down[plane / channels] - Padding, (int)right[plane / channels] - Padding);
            var length = width - Math.Abs(fromX);
            if (fromY >= 0 && fromY < height && length > 0)
                source.Slice((plane * height + fromY) * width + Math.Max(fromX, 0), length)
                    .CopyTo(target.Slice(line * width + Math.Max(-fromX, 0), length));
        }
        return crops;
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
