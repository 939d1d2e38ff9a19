using System.Globalization;
using Microsoft.ML.ResNet.Augmentation;
using Microsoft.ML.ResNet.Network.Torch;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet;

/// <summary>
/// Changes brightness, then contrast, then saturation of every image, each by a factor of its own (torchvision's <c>ColorJitter</c> without
/// hue, in that fixed order). A factor f is drawn evenly from 1 - strength to 1 + strength; brightness multiplies the pixels by f, contrast
/// moves them away from the image's mean grey, saturation away from their own grey.
/// </summary>
public sealed record ColorJitter : ImageAugmentation
{
    /// <summary>Strength of the change of brightness, in [0, 1]. The default is 0: no change.</summary>
    public double Brightness { get; init; }

    /// <summary>Strength of the change of contrast, in [0, 1]. The default is 0: no change.</summary>
    public double Contrast { get; init; }

    /// <summary>Strength of the change of saturation, in [0, 1]. The default is 0: no change. Grey images have none.</summary>
    public double Saturation { get; init; }

    private static readonly float[] GreyOfRgb = [0.299f, 0.587f, 0.114f]; // ITU-R BT.601, as torchvision and Pillow

    /// <inheritdoc/>
    internal override Tensor Apply(Tensor images, AugmentationContext context)
    {
        using var scope = NewDisposeScope();
        var pixels = images.to_type(ScalarType.Float32);
        if (Brightness > 0)
            pixels = (pixels * Factors(Brightness)).clamp(0, 255);
        if (Contrast > 0)
            pixels = Blend(pixels, Grey(pixels).mean([1, 2, 3], keepdim: true).round(), Factors(Contrast));
        if (Saturation > 0 && images.shape[1] >= 3)
            pixels = Blend(pixels, Grey(pixels), Factors(Saturation));
        return pixels.round().to_type(ScalarType.Byte).MoveToOuterDisposeScope();

        Tensor Factors(double strength)
            => tensor(context.Draw(images, _ => context.FactorAround1(strength))).SentTo(images.device).view(-1, 1, 1, 1);
    }

    /// <inheritdoc/>
    internal override IEnumerable<string> Problems()
    {
        foreach (var (name, value) in new[] { (nameof(Brightness), Brightness), (nameof(Contrast), Contrast),
            (nameof(Saturation), Saturation) })
            if (!(value is >= 0 and <= 1))
                yield return string.Create(CultureInfo.InvariantCulture, $"ColorJitter.{name} is {value}; it must be from 0 to 1.");
    }

    /// <summary>As in <c>jitter(0.4, 0.4, 0)</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"jitter({Brightness}, {Contrast}, {Saturation})");

    private static Tensor Blend(Tensor pixels, Tensor grey, Tensor factor) => (grey + (pixels - grey) * factor).clamp(0, 255);

    private static Tensor Grey(Tensor pixels)
        => pixels.shape[1] < 3 ? pixels[.., ..1] : (pixels[.., ..3] * tensor(GreyOfRgb).SentTo(pixels.device).view(1, 3, 1, 1))
            .sum(1, keepdim: true);
}
