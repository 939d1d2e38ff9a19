using System.CommandLine.Parsing;
using System.Globalization;
using Microsoft.ML.ResNet;

namespace Samples.CommandLine;

/// <summary>What <c>--augment</c> says: changes to single pictures, and how pictures are mixed.</summary>
/// <param name="Policy">Changes to single pictures, in order.</param>
/// <param name="Mix">How pictures are mixed, if they are.</param>
internal sealed record AugmentationChoice(AugmentationPolicy Policy, ImageMix? Mix)
{
    /// <summary>The words that <c>--augment</c> knows, as its help lists them.</summary>
    public static string Known { get; } = string.Join(", ", ["none", .. Words.Select(word => word.Usage)]);

    private static Word[] Words =>
    [
        new("crop=PIXELS", "crop", value => new RandomCrop(Whole(value))),
        new("random-resized-crop", "random-resized-crop", value => value is null ? new RandomResizedCrop() : throw new FormatException()),
        new("flip, flip=alternating", "flip", value => new HorizontalFlip
        {
            Alternating = value switch { null => false, "alternating" => true, _ => throw new FormatException() }
        }),
        new("cutout=PIXELS", "cutout", value => new Cutout(Whole(value))),
        new("color-jitter=STRENGTH", "color-jitter", value => new ColorJitter
        {
            Brightness = Part(value),
            Contrast = Part(value),
            Saturation = Part(value)
        }),
        new("mixup=ALPHA", "mixup", _ => null, value => new Mixup(Above0(value))),
        new("cutmix=ALPHA", "cutmix", _ => null, value => new CutMix(Above0(value))),
    ];

    /// <summary>Whether pictures are mirrored.</summary>
    public bool Mirrors => Policy.Any(augmentation => augmentation is HorizontalFlip);

    /// <summary>
    /// The recipe with this augmentation. A model of pictures that are never mirrored does not look at mirror images either.
    /// </summary>
    public TrainingRecipe ApplyTo(TrainingRecipe recipe)
        => recipe with { Augmentation = Policy, Mix = Mix, TestTimeFlip = recipe.TestTimeFlip && Mirrors };

    /// <summary>Reads words with commas between them, such as <c>crop=4,flip</c>, or <c>none</c>.</summary>
    public static AugmentationChoice? Parse(ArgumentResult argument)
    {
        var text = argument.Tokens[0].Value;
        var policy = new List<ImageAugmentation>();
        ImageMix? mix = null;
        foreach (var part in text == "none" ? [] : text.Split(',', StringSplitOptions.TrimEntries))
            if (!TryAdd(part, policy, ref mix))
            {
                argument.AddError($"--augment is '{text}', of which '{part}' is not known; expected words with commas between them, of "
                    + $"{Known}; such as crop=4,flip.");
                return null;
            }
        return new([.. policy], mix);
    }

    private static bool TryAdd(string part, List<ImageAugmentation> policy, ref ImageMix? mix)
    {
        var equals = part.IndexOf('=');
        var (name, value) = equals < 0 ? (part, null) : (part[..equals], part[(equals + 1)..]);
        if (Array.Find(Words, word => word.Name == name) is not { } word)
            return false;
        try
        {
            if (word.Mixes?.Invoke(value) is { } mixes)
                mix = mixes;
            else
                policy.Add(word.Changes(value)!);
            return true;
        }
        catch (FormatException)
        {
            return false;
        }
    }

    private static int Whole(string? value)
        => int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0
            ? number
            : throw new FormatException();

    private static double Part(string? value) => Above0(value) is <= 1 and var part ? part : throw new FormatException();

    private static double Above0(string? value)
        => double.TryParse(value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number > 0
            ? number
            : throw new FormatException();

    /// <summary>One kind of augmentation.</summary>
    /// <param name="Usage">How help and errors write it.</param>
    /// <param name="Name">The word.</param>
    /// <param name="Changes">Makes the change of what stands behind the <c>=</c>, if anything does.</param>
    /// <param name="Mixes">Makes the mix, where it is one.</param>
    private sealed record Word(string Usage, string Name, Func<string?, ImageAugmentation?> Changes,
        Func<string?, ImageMix?>? Mixes = null);
}
