using System.Globalization;

namespace Microsoft.ML.ResNet;

/// <summary>Falls from 1 to <see cref="End"/> along half a cosine (Loshchilov, Hutter 2016, arXiv:1608.03983, without restarts).</summary>
public sealed record CosineSchedule : LearningRateSchedule
{
    /// <summary>The factor at the end, in [0, 1]. The default is 0.</summary>
    public double End { get; init; }

    /// <inheritdoc/>
    public override double Factor(double progress) => End + (1 - End) * (1 + Math.Cos(Math.PI * progress)) / 2;

    /// <inheritdoc/>
    internal override IEnumerable<string> Problems() => InRange($"{nameof(CosineSchedule)}.{nameof(End)}", End, 0, 1);

    /// <summary>As in <c>cosine to 0</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"cosine to {End}");
}

/// <summary>Falls from 1 to <see cref="End"/> along a straight line.</summary>
public sealed record LinearSchedule : LearningRateSchedule
{
    /// <summary>The factor at the end, in [0, 1]. The default is 0.</summary>
    public double End { get; init; }

    /// <inheritdoc/>
    public override double Factor(double progress) => 1 + (End - 1) * progress;

    /// <inheritdoc/>
    internal override IEnumerable<string> Problems() => InRange($"{nameof(LinearSchedule)}.{nameof(End)}", End, 0, 1);

    /// <summary>As in <c>linear to 0</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"linear to {End}");
}

/// <summary>
/// Rises in a straight line from <see cref="Start"/> to 1, then falls in a straight line to <see cref="End"/>: the triangular form of
/// Smith's one-cycle policy (Smith, Topin 2017, arXiv:1708.07120), as the fast CIFAR records use it.
/// </summary>
public sealed record OneCycleSchedule : LearningRateSchedule
{
    /// <summary>Where the peak lies, as a part of training, in (0, 1). The default is 0.25.</summary>
    public double Peak { get; init; } = 0.25;

    /// <summary>The factor at the start, in [0, 1]. The default is 0.1.</summary>
    public double Start { get; init; } = 0.1;

    /// <summary>The factor at the end, in [0, 1]. The default is 0.</summary>
    public double End { get; init; }

    /// <inheritdoc/>
    public override double Factor(double progress) => progress < Peak
        ? Start + (1 - Start) * progress / Peak
        : 1 + (End - 1) * (progress - Peak) / (1 - Peak);

    /// <inheritdoc/>
    internal override IEnumerable<string> Problems() =>
    [
        .. InRange($"{nameof(OneCycleSchedule)}.{nameof(Start)}", Start, 0, 1),
        .. InRange($"{nameof(OneCycleSchedule)}.{nameof(End)}", End, 0, 1),
        .. Peak is > 0 and < 1
            ? []
            : new[] { string.Create(CultureInfo.InvariantCulture,
            $"OneCycleSchedule.Peak is {Peak}; it must lie between 0 and 1, as a part of the whole training.") },
    ];

    /// <summary>As in <c>one-cycle(peak 0.25, 0.1 to 1 to 0)</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"one-cycle(peak {Peak}, {Start} to 1 to {End})");
}

/// <summary>Rises in a straight line to 1 before another schedule begins (Goyal et al. 2017, arXiv:1706.02677, section 2.2).</summary>
/// <param name="Length">How long the rise takes, as a part of training, in (0, 1).</param>
/// <param name="Then">The schedule that follows; it sees its own part of training as the whole.</param>
public sealed record WarmUpSchedule(double Length, LearningRateSchedule Then) : LearningRateSchedule
{
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
    }

    /// <summary>As in <c>warm-up(0.05), then cosine to 0</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"warm-up({Length}), then {Then}");
}
