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
    internal LearningRateCurve(IReadOnlyList<(double Rate, double Loss)> steps)
    {
        var smooth = new Training.SmoothLoss();
        Points = [.. steps.Select(step => new LearningRatePoint(step.Rate, step.Loss, smooth.Add(step.Loss)))];
        Suggestion = Training.SuggestedRate.Find(steps);
    }

    /// <summary>The steps, in the order of their rates.</summary>
    public IReadOnlyList<LearningRatePoint> Points { get; }

    /// <summary>
    /// The rate to train with: the lowest at which the loss, as a mean over the steps around each, has made four fifths of its fall.
    /// <see langword="null"/> where the loss did not fall by more than the noise of batches.
    /// </summary>
    public double? Suggestion { get; }

    /// <summary>As in <c>rate 0.12, of 113 steps from 1e-05 to 0.8</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{(Suggestion is { } rate ? $"rate {rate:g2}" : "no rate")}, of {Points.Count} steps from {Points[0].Rate:g2} to "
            + $"{Points[^1].Rate:g2}");
}
