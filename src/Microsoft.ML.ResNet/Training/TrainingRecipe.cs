using System.Globalization;

namespace Microsoft.ML.ResNet;

/// <summary>
/// How a network is trained: an immutable value that starts from a named recipe and is changed by <c>with</c>. Everything has a
/// default; the defaults are those of <see cref="Tutorial"/>.
/// </summary>
public sealed record TrainingRecipe
{
    /// <summary>
    /// The classic recipe for CIFAR: 100 epochs of SGD, rate 0.1 dropped to a tenth at half and three quarters, crop and flip. It
    /// follows He et al. 2015, section 4.2, with the weight decay of later practice.
    /// </summary>
    public static TrainingRecipe Tutorial { get; } = new();

    /// <summary>Passes over the training images; at least 1. The default is 100.</summary>
    public int NumberOfEpochs { get; init; } = 100;

    /// <summary>Images in one step; at least 2. The default is 128. The last batch of an epoch may be smaller, or one image larger.</summary>
    public int BatchSize { get; init; } = 128;

    /// <summary>The base learning rate, for the mean loss of a batch; above 0. The default is 0.1.</summary>
    public double LearningRate { get; init; } = 0.1;

    /// <summary>How the rate changes. The default drops it to a tenth at half and three quarters of the epochs.</summary>
    public LearningRateSchedule Schedule { get; init; } = LearningRateSchedule.MultiStep(0.5, 0.75);

    /// <summary>The part of the velocity that a step keeps, in [0, 1). The default is 0.9.</summary>
    public double Momentum { get; init; } = 0.9;

    /// <summary>The part of each weight that is added to its gradient; 0 or more. The default is 5e-4.</summary>
    public double WeightDecay { get; init; } = 5e-4;

    /// <summary>Random changes to the training images. The default is a crop with 4 pixels of padding, then a flip.</summary>
    public AugmentationPolicy Augmentation { get; init; } = [new RandomCrop(4), new HorizontalFlip()];

    /// <summary>The recipe as one line for logs.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{NumberOfEpochs} epochs, batch {BatchSize}, SGD rate {LearningRate:g4} {Schedule}, momentum {Momentum:g4}, weight decay {WeightDecay:g4}, augmentation {Augmentation}");

    /// <summary>Lists what makes this recipe unusable; empty when nothing does.</summary>
    internal IEnumerable<string> Problems()
    {
        if (NumberOfEpochs < 1)
            yield return $"NumberOfEpochs is {NumberOfEpochs}; it must be at least 1.";
        if (BatchSize < 2)
            yield return $"BatchSize is {BatchSize}; it must be at least 2, because batch normalisation compares images.";
        if (!(double.IsFinite(LearningRate) && LearningRate > 0))
            yield return string.Create(CultureInfo.InvariantCulture, $"LearningRate is {LearningRate}; it must be a number above 0.");
        if (!(Momentum is >= 0 and < 1))
            yield return string.Create(CultureInfo.InvariantCulture, $"Momentum is {Momentum}; it must be at least 0 and below 1.");
        if (!(double.IsFinite(WeightDecay) && WeightDecay >= 0))
            yield return string.Create(CultureInfo.InvariantCulture, $"WeightDecay is {WeightDecay}; it must be a number of at least 0.");
        foreach (var problem in Schedule?.Problems() ?? ["Schedule is null; use LearningRateSchedule.Constant to keep the rate."])
            yield return problem;
        foreach (var problem in Augmentation?.SelectMany(augmentation => augmentation.Problems()) ?? ["Augmentation is null; use AugmentationPolicy.None for no change."])
            yield return problem;
    }
}
