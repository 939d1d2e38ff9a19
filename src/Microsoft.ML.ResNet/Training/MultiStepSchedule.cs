using System.Globalization;

namespace Microsoft.ML.ResNet;

/// <summary>Multiplies the rate by <see cref="Gamma"/> at each milestone (PyTorch's <c>MultiStepLR</c>).</summary>
public sealed record MultiStepSchedule : LearningRateSchedule
{
    private const double Rounding = 1e-9; // progress and milestone are quotients; equal epochs must count as equal

    /// <summary>Makes the schedule.</summary>
    /// <param name="milestones">Parts of training, in (0, 1), rising.</param>
    public MultiStepSchedule(IReadOnlyList<double> milestones)
    {
        ArgumentNullException.ThrowIfNull(milestones);
        Milestones = [.. milestones];
    }

    /// <summary>Parts of training, in (0, 1), rising.</summary>
    public IReadOnlyList<double> Milestones { get; }

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
