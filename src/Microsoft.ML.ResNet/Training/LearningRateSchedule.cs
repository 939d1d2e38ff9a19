using System.Globalization;

namespace Microsoft.ML.ResNet;

/// <summary>
/// How the learning rate changes during training: a pure function of progress, so that a resumed run needs nothing but its place.
/// An immutable value.
/// </summary>
public abstract record LearningRateSchedule
{
    private protected LearningRateSchedule()
    {
    }

    /// <summary>The factor on the base rate.</summary>
    /// <param name="progress">
    /// The part of training that is done, in [0, 1): 0 before the first step, 0.5 when half of the epochs are done.
    /// </param>
    public abstract double Factor(double progress);

    /// <summary>Lists what makes this value unusable; empty when nothing does.</summary>
    internal abstract IEnumerable<string> Problems();

    /// <summary>Drops the rate to a tenth at each milestone.</summary>
    /// <param name="milestones">Parts of training, in (0, 1), rising; the classic choice is 0.5 and 0.75.</param>
    public static MultiStepSchedule MultiStep(params double[] milestones) => new(milestones);

    /// <summary>Drops the rate to a tenth when that many epochs are done.</summary>
    /// <param name="numberOfEpochs">The epochs of the whole training.</param>
    /// <param name="milestones">Epochs, rising, below <paramref name="numberOfEpochs"/>.</param>
    public static MultiStepSchedule MultiStepAt(int numberOfEpochs, params int[] milestones)
        => new([.. milestones.Select(milestone => (double)milestone / numberOfEpochs)]);

    /// <summary>Keeps the rate.</summary>
    public static LearningRateSchedule Constant { get; } = new MultiStepSchedule([]);

    /// <summary>The problem of a value outside a closed range, if it is outside.</summary>
    private protected static IEnumerable<string> InRange(string name, double value, double least, double most)
        => value >= least && value <= most
            ? []
            : [string.Create(CultureInfo.InvariantCulture, $"{name} is {value}; it must be from {least} to {most}.")];
}

/// <summary>Multiplies the rate by <see cref="Gamma"/> at each milestone (PyTorch's <c>MultiStepLR</c>).</summary>
/// <param name="Milestones">Parts of training, in (0, 1), rising.</param>
public sealed record MultiStepSchedule(IReadOnlyList<double> Milestones) : LearningRateSchedule
{
    private const double Rounding = 1e-9; // progress and milestone are quotients; equal epochs must count as equal

    /// <summary>The factor at each milestone, in (0, 1]. The default is 0.1.</summary>
    public double Gamma { get; init; } = 0.1;

    /// <inheritdoc/>
    public override double Factor(double progress) => Math.Pow(Gamma, Milestones.Count(milestone => progress >= milestone - Rounding));

    /// <inheritdoc/>
    internal override IEnumerable<string> Problems()
    {
        if (!(Gamma is > 0 and <= 1))
            yield return string.Create(CultureInfo.InvariantCulture,
                $"MultiStepSchedule.Gamma is {Gamma}; it must be above 0 and at most 1.");
        if (!Milestones.All(milestone => milestone is > 0 and < 1) || !Milestones.SequenceEqual(Milestones.Order().Distinct()))
            yield return $"MultiStepSchedule.Milestones are {this}; they must rise and lie between 0 and 1, as parts of the whole "
                + "training.";
    }

    /// <inheritdoc/>
    public bool Equals(MultiStepSchedule? other) => other is not null && Gamma.Equals(other.Gamma)
        && Milestones.SequenceEqual(other.Milestones);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Gamma, Milestones.Count);

    /// <summary>As in <c>multi-step(0.5, 0.75; 0.1)</c>.</summary>
    public override string ToString()
        => string.Create(CultureInfo.InvariantCulture,
        $"multi-step({string.Join(", ", Milestones.Select(m => m.ToString(CultureInfo.InvariantCulture)))}; {Gamma})");
}
