using System.Globalization;

namespace Microsoft.ML.ResNet;

/// <summary>One step of a range test. Immutable.</summary>
public sealed class LearningRatePoint
{
    internal LearningRatePoint(double rate, double loss, double smoothedLoss) => (Rate, Loss, SmoothedLoss) = (rate, loss, smoothedLoss);

    /// <summary>The step's rate, as a recipe's base rate.</summary>
    public double Rate { get; }

    /// <summary>The mean cross-entropy of the step's batch, before the step, in nats.</summary>
    public double Loss { get; }

    /// <summary>The same without the noise of batches, in nats: an exponentially weighted mean over the steps so far.</summary>
    public double SmoothedLoss { get; }
}

/// <summary>
/// What a range test has found: the loss against the rate, and the rate that it suggests. Immutable. Made by
/// <see cref="ResNetTrainer.FindLearningRate"/>.
/// </summary>
public sealed class LearningRateCurve
{
    internal LearningRateCurve(IReadOnlyList<(double Rate, double Loss)> steps, double recipeRate)
    {
        var smooth = new Training.SmoothLoss();
        Points = [.. steps.Select(step => new LearningRatePoint(step.Rate, step.Loss, smooth.Add(step.Loss)))];
        RecipeRate = recipeRate;
        if (Training.UsefulRates.Find(steps) is { } useful)
            (LowestUseful, HighestUseful) = useful;
    }

    /// <summary>The steps, in the order of their rates.</summary>
    public IReadOnlyList<LearningRatePoint> Points { get; }

    /// <summary>The rate that the recipe has.</summary>
    public double RecipeRate { get; }

    /// <summary>
    /// The lowest rate at which the loss, as a mean over the steps around each, has made four fifths of its fall. <see langword="null"/>
    /// where the loss did not fall by more than the noise of batches.
    /// </summary>
    public double? LowestUseful { get; }

    /// <summary>
    /// The highest rate, above that of the lowest loss, at which the loss has not yet risen by a fifth of its fall; the last that was
    /// tried, where it never rose. <see langword="null"/> where the loss did not fall by more than the noise of batches.
    /// </summary>
    public double? HighestUseful { get; }

    /// <summary>
    /// The rate to train with: the recipe's own where it is useful, otherwise the nearest that is. A range test tells where a rate is too
    /// low or too high; between, it cannot tell better from worse, and the recipe's rate was found by whole trainings.
    /// <see langword="null"/> where the loss did not fall by more than the noise of batches.
    /// </summary>
    public double? Suggestion => LowestUseful is { } low && HighestUseful is { } high ? Math.Clamp(RecipeRate, low, high) : null;

    /// <summary>As in <c>rate 0.12 (useful: 0.04 to 0.2), of 113 steps from 1e-05 to 0.8</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{(Suggestion is { } rate ? $"rate {rate:g2} (useful: {LowestUseful:g2} to {HighestUseful:g2})" : "no rate")}, of {Points.Count} "
            + $"steps from {Points[0].Rate:g2} to {Points[^1].Rate:g2}");
}
