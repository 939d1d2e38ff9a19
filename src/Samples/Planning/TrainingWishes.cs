using Microsoft.ML.ResNet;
using Samples.CommandLine;

namespace Samples.Planning;

/// <summary>What somebody wants of a training. Whatever is <see langword="null"/> is chosen for them.</summary>
internal sealed record TrainingWishes
{
    /// <summary>The network.</summary>
    public ResNetArchitecture? Architecture { get; init; }

    /// <summary>The shape of pictures.</summary>
    public ImageShape? Image { get; init; }

    /// <summary>How pictures get that shape, as a change of what is usual.</summary>
    public Func<ImageGeometry, ImageGeometry>? Geometry { get; init; }

    /// <summary>Where weights come from: <c>imagenet</c>, <c>scratch</c> or a file.</summary>
    public string? From { get; init; }

    /// <summary>Stages of the weights that stay as they are.</summary>
    public int? Freeze { get; init; }

    /// <summary>How to train, where there is to be one stage.</summary>
    public TrainingRecipe? Recipe { get; init; }

    /// <summary>The stages to train: <c>head</c>, or <c>all</c> for the head and then everything.</summary>
    public string? Stage { get; init; }

    /// <summary>Passes over the pictures.</summary>
    public int? Epochs { get; init; }

    /// <summary>Epochs after which the rate drops to a tenth; empty for the recipe's schedule.</summary>
    public IReadOnlyList<int> Milestones { get; init; } = [];

    /// <summary>Pictures in one step.</summary>
    public int? BatchSize { get; init; }

    /// <summary>The base rate.</summary>
    public double? LearningRate { get; init; }

    /// <summary>Pictures that go through the network at a time.</summary>
    public int? MicroBatchSize { get; init; }

    /// <summary>Parts of a batch that can be shared out.</summary>
    public int? BatchShards { get; init; }

    /// <summary>Random changes to the training pictures.</summary>
    public AugmentationChoice? Augmentation { get; init; }

    /// <summary>The geometry, with what is wished.</summary>
    public ImageGeometry Apply(ImageGeometry usual) => Geometry?.Invoke(usual) ?? usual;

    /// <summary>A recipe, with what is wished of epochs, batches, rates and augmentation.</summary>
    public TrainingRecipe Apply(TrainingRecipe recipe)
    {
        recipe = recipe with
        {
            NumberOfEpochs = Epochs ?? recipe.NumberOfEpochs,
            BatchSize = BatchSize ?? recipe.BatchSize,
            LearningRate = LearningRate ?? recipe.LearningRate,
            MicroBatchSize = MicroBatchSize ?? recipe.MicroBatchSize,
            BatchShards = BatchShards ?? recipe.BatchShards,
        };
        if (Milestones.Count > 0)
            recipe = recipe with { Schedule = LearningRateSchedule.MultiStepAt(recipe.NumberOfEpochs, [.. Milestones]) };
        return Augmentation?.ApplyTo(recipe) ?? recipe;
    }
}
