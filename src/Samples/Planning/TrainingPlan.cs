using Microsoft.ML.ResNet;

namespace Samples.Planning;

/// <summary>What is to be trained, on which pictures, and how; with the reasons. Made without training anything.</summary>
internal sealed record TrainingPlan
{
    /// <summary>The word for ImageNet weights, as in <c>--from imagenet</c>.</summary>
    public const string ImageNet = "imagenet";

    /// <summary>The network; <see langword="null"/> where the weights bring their own.</summary>
    public ResNetArchitecture? Architecture { get; init; }

    /// <summary>The shape that pictures get; <see langword="null"/> where the data or the weights have one.</summary>
    public ImageShape? Image { get; init; }

    /// <summary>How pictures of another shape get there; <see langword="null"/> where the weights say it.</summary>
    public ImageGeometry? Geometry { get; init; }

    /// <summary>
    /// Where the weights come from: <see cref="ImageNet"/>, a file, or <see langword="null"/> for a training from scratch.
    /// </summary>
    public string? From { get; init; }

    /// <summary>The trainings, one after the other; each but the first starts from the one before.</summary>
    public required IReadOnlyList<TrainingStage> Stages { get; init; }

    /// <summary>What was chosen, why, and how to choose otherwise.</summary>
    public IReadOnlyList<Choice> Choices { get; init; } = [];
}

/// <summary>One training of a plan.</summary>
/// <param name="Name">What a bar calls it: <c>head</c>, <c>all</c>; empty for the only one.</param>
/// <param name="Recipe">How it learns.</param>
/// <param name="FrozenStages">What of its initial weights it leaves as they are, as the trainer's option.</param>
internal sealed record TrainingStage(string Name, TrainingRecipe Recipe, int? FrozenStages = null)
{
    /// <summary>The stage that trains the head alone.</summary>
    public const string Head = "head";

    /// <summary>The stage that trains all weights.</summary>
    public const string All = "all";
}

/// <summary>One thing that was chosen.</summary>
/// <param name="Topic">Of what, in one word.</param>
/// <param name="Text">What, and why.</param>
/// <param name="Otherwise">The options that choose otherwise; empty where there are none.</param>
internal sealed record Choice(string Topic, string Text, string Otherwise = "")
{
    /// <summary>As a line.</summary>
    public override string ToString() => $"{Topic,-9} {Text}{(Otherwise.Length > 0 ? $"   ({Otherwise})" : "")}";
}
