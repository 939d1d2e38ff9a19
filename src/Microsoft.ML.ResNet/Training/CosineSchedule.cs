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
