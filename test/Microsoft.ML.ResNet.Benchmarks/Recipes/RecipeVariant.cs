using System.Globalization;
using Microsoft.ML.ResNet;

namespace Benchmarks.Recipes;

/// <summary>
/// A recipe as a command line names it: a base, then changes. <c>fast</c> is <see cref="TrainingRecipe.Fast"/> itself,
/// <c>fast+cutout=0+rate=0.4</c> is Fast without cutout and at another rate.
/// </summary>
/// <param name="Name">The text that it was read from.</param>
/// <param name="Recipe">The recipe.</param>
internal sealed record RecipeVariant(string Name, TrainingRecipe Recipe)
{
    private static readonly Dictionary<string, TrainingRecipe> Bases = new(StringComparer.Ordinal)
    {
        ["fast"] = TrainingRecipe.Fast,
        ["tutorial"] = TrainingRecipe.Tutorial,
    };

    // Each change takes the recipe and the text behind the equals sign; 0 or "off" takes a technique away.
    private static readonly Dictionary<string, Func<TrainingRecipe, string, TrainingRecipe>> Changes = new(StringComparer.Ordinal)
    {
        ["rate"] = (recipe, value) => recipe with { LearningRate = Number(value) },
        ["batch"] = (recipe, value) => recipe with { BatchSize = Whole(value) },
        ["decay"] = (recipe, value) => recipe with { WeightDecay = Number(value) },
        ["decay-all"] = (recipe, value) => recipe with { WeightDecayOnBiasAndNorm = IsOn(value) },
        ["smoothing"] = (recipe, value) => recipe with { LabelSmoothing = Number(value) },
        ["average"] = (recipe, value) => recipe with { WeightAverageDecay = Number(value) is > 0 and var part ? part : null },
        ["clip"] = (recipe, value) => recipe with { GradientClipNorm = Number(value) is > 0 and var norm ? norm : null },
        ["momentum"] = (recipe, value) => recipe with { Optimizer = (Sgd)recipe.Optimizer with { Momentum = Number(value) } },
        ["nesterov"] = (recipe, value) => recipe with { Optimizer = (Sgd)recipe.Optimizer with { Nesterov = IsOn(value) } },
        ["schedule"] = (recipe, value) => recipe with { Schedule = Schedule(value) },
        ["peak"] = (recipe, value) => recipe with { Schedule = (OneCycleSchedule)recipe.Schedule with { Peak = Number(value) } },
        ["crop"] = (recipe, value)
            => recipe with
            {
                Augmentation = Replace(recipe.Augmentation, Whole(value) is > 0 and var padding ? new RandomCrop(padding) : null)
            },
        ["cutout"] = (recipe, value)
            => recipe with { Augmentation = Replace(recipe.Augmentation, Whole(value) is > 0 and var size ? new Cutout(size) : null) },
        ["flip"] = (recipe, value) => recipe with { Augmentation = Replace(recipe.Augmentation, Flip(value)) },
        ["mixup"] = (recipe, value) => recipe with { Mix = Number(value) is > 0 and var alpha ? new Mixup(alpha) : null },
        ["cutmix"] = (recipe, value) => recipe with { Mix = Number(value) is > 0 and var alpha ? new CutMix(alpha) : null },
        ["flip-at-test"] = (recipe, value) => recipe with { TestTimeFlip = IsOn(value) },
        ["zero-residuals"] = (recipe, value) => recipe with { ZeroInitResiduals = IsOn(value) },
    };

    /// <summary>Reads a variant.</summary>
    /// <exception cref="FormatException">The base, a change or a value is not known; the message lists what is.</exception>
    public static RecipeVariant Parse(string text)
    {
        var parts = text.Split('+');
        if (!Bases.TryGetValue(parts[0], out var recipe))
            throw new FormatException($"'{text}' begins with '{parts[0]}'; expected {string.Join(" or ", Bases.Keys)}.");
        return new(text, parts.Skip(1).Aggregate(recipe, (changed, part) => Change(changed, part, text)));
    }

    private static TrainingRecipe Change(TrainingRecipe recipe, string part, string text)
    {
        if (part.Split('=') is not [var name, var value] || !Changes.TryGetValue(name, out var change))
            throw new FormatException(
                $"'{text}' has the change '{part}'; expected NAME=VALUE with one of {string.Join(", ", Changes.Keys)}.");
        try
        {
            return change(recipe, value);
        }
        catch (Exception e) when (e is FormatException or InvalidCastException)
        {
            throw new FormatException($"'{text}' has the change '{part}', which cannot be made: {e.Message}", e);
        }
    }

    private static AugmentationPolicy Replace<T>(AugmentationPolicy policy, T? by) where T : ImageAugmentation
        => [.. policy.Where(augmentation => augmentation is not T), .. by is null ? Array.Empty<ImageAugmentation>() : [by]];

    private static HorizontalFlip? Flip(string value) => value switch
    {
        "off" => null,
        "coin" => new HorizontalFlip(),
        "turns" => new HorizontalFlip { Alternating = true },
        _ => throw new FormatException("expected off, coin or turns."),
    };

    private static LearningRateSchedule Schedule(string value) => value switch
    {
        "multi-step" => TrainingRecipe.Tutorial.Schedule,
        "cosine" => new CosineSchedule(),
        "linear" => new LinearSchedule(),
        "one-cycle" => new OneCycleSchedule(),
        "constant" => LearningRateSchedule.Constant,
        _ => throw new FormatException("expected multi-step, cosine, linear, one-cycle or constant."),
    };

    private static double Number(string value) => double.Parse(value, CultureInfo.InvariantCulture);

    private static int Whole(string value) => int.Parse(value, CultureInfo.InvariantCulture);

    private static bool IsOn(string value) => value switch
    {
        "on" => true,
        "off" => false,
        _ => throw new FormatException("expected on or off."),
    };
}
