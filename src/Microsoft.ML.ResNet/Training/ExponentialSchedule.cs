using System.Globalization;

namespace Microsoft.ML.ResNet.Training;

/// <summary>
/// Rises from <paramref name="Start"/> to 1 by the same factor in every step: a straight line where rates are drawn by their logarithm. For
/// range tests.
/// </summary>
/// <param name="Start">The factor at the start, in (0, 1).</param>
/// <param name="End">The part of training, in (0, 1], where the factor reaches 1 and stays.</param>
internal sealed record ExponentialSchedule(double Start, double End) : LearningRateSchedule
{
    /// <inheritdoc/>
    public override double Factor(double progress) => Math.Pow(Start, 1 - Math.Min(1, progress / End));

    /// <summary>As in <c>exponential 1E-06 to 1</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"exponential {Start} to 1");
}
