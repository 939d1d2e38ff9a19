using System.Globalization;

namespace Microsoft.ML.ResNet;

/// <summary>One step of a range test.</summary>
/// <param name="Rate">The step's rate, as a recipe's base rate.</param>
/// <param name="Loss">The mean cross-entropy of the step's batch, before the step, in nats.</param>
/// <param name="SmoothedLoss">The same without the noise of batches, in nats.</param>
public readonly record struct LearningRatePoint(double Rate, double Loss, double SmoothedLoss);

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
        Suggestion = Suggest(Points);
    }

    /// <summary>The steps, in the order of their rates.</summary>
    public IReadOnlyList<LearningRatePoint> Points { get; }

    /// <summary>The rate to train with; <see langword="null"/> where no rate made the loss fall.</summary>
    public double? Suggestion { get; }

    /// <summary>As in <c>rate 0.12, of 113 steps from 1E-05 to 0.8</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{(Suggestion is { } rate ? $"rate {rate:g2}" : "no rate")}, of {Points.Count} steps from {Points[0].Rate:g2} to {Points[^1].Rate:g2}");

    private static double? Suggest(IReadOnlyList<LearningRatePoint> points) => points.MinBy(point => point.SmoothedLoss).Rate;
}
