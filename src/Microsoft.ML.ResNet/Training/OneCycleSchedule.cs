using System.Globalization;

namespace Microsoft.ML.ResNet;

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
