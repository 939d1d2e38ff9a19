using System.Globalization;

namespace Microsoft.ML.ResNet;

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
