using System.Globalization;

namespace Microsoft.ML.ResNet;

/// <summary>
/// How the learning rate changes during training: a pure function of progress, so that a resumed run needs nothing but its place.
/// An immutable value.
/// </summary>
/// <remarks>
/// Derive a record of your own for a schedule that is missing; whatever its constructor takes should be a property, so that two of them are
/// equal when they are the same schedule, and a checkpoint can tell them apart:
/// <code>
/// public sealed record InverseRootSchedule(double Scale) : LearningRateSchedule
/// {
///     public override double Factor(double progress) => 1 / Math.Sqrt(1 + Scale * progress);
/// }
/// </code>
/// </remarks>
public abstract record LearningRateSchedule
{
    /// <summary>Begins a schedule.</summary>
    protected LearningRateSchedule()
    {
    }

    /// <summary>The factor on the base rate.</summary>
    /// <param name="progress">
    /// The part of training that is done, in [0, 1): 0 before the first step, 0.5 when half of the epochs are done.
    /// </param>
    /// <returns>A finite number of at least 0; the step is taken at the recipe's rate times this.</returns>
    public abstract double Factor(double progress);

    /// <summary>Lists what makes this value unusable; empty when nothing does.</summary>
    internal virtual IEnumerable<string> Problems() => [];

    /// <summary>Whether only a training knows the steps that it asks about, so that it cannot be part of another schedule.</summary>
    internal virtual bool NeedsSteps => false;

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
