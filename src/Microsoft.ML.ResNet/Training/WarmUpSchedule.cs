using System.Globalization;

namespace Microsoft.ML.ResNet;

/// <summary>Rises in a straight line to 1 before another schedule begins (Goyal et al. 2017, arXiv:1706.02677, section 2.2).</summary>
public sealed record WarmUpSchedule : LearningRateSchedule
{
    /// <summary>Makes the schedule.</summary>
    /// <param name="length">How long the rise takes, as a part of training, in (0, 1).</param>
    /// <param name="then">The schedule that follows.</param>
    public WarmUpSchedule(double length, LearningRateSchedule then) => (Length, Then) = (length, then);

    /// <summary>How long the rise takes, as a part of training, in (0, 1).</summary>
    public double Length { get; }

    /// <summary>The schedule that follows; it sees its own part of training as the whole.</summary>
    public LearningRateSchedule Then { get; }

    /// <summary>The factor at the start, in [0, 1]. The default is 0.01.</summary>
    public double Start { get; init; } = 0.01;

    /// <inheritdoc/>
    public override double Factor(double progress) => progress < Length
        ? Start + (1 - Start) * progress / Length
        : Then.Factor((progress - Length) / (1 - Length));

    /// <inheritdoc/>
    internal override IEnumerable<string> Problems()
    {
        if (!(Length is > 0 and < 1))
            yield return string.Create(CultureInfo.InvariantCulture,
                $"WarmUpSchedule.Length is {Length}; it must lie between 0 and 1, as a part of the whole training.");
        foreach (var problem in InRange($"{nameof(WarmUpSchedule)}.{nameof(Start)}", Start, 0, 1)
            .Concat(Then?.Problems() ?? ["WarmUpSchedule.Then is null; use LearningRateSchedule.Constant to keep the rate."]))
            yield return problem;
        if (Then is { NeedsSteps: true })
            yield return $"WarmUpSchedule.Then is {Then}, which tells rates of steps, not factors; make it the recipe's Schedule itself.";
    }

    /// <summary>As in <c>warm-up(0.05), then cosine to 0</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"warm-up({Length}), then {Then}");
}
