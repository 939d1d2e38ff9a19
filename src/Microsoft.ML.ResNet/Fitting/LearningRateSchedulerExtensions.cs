using Microsoft.ML.ResNet.Fitting;
using Microsoft.ML.Trainers;

namespace Microsoft.ML.ResNet;

/// <summary>ML.NET's own schedulers in recipes.</summary>
public static class LearningRateSchedulerExtensions
{
    /// <summary>
    /// Makes a schedule for <see cref="TrainingRecipe.Schedule"/> of one of ML.NET's schedulers, such as <see cref="LsrDecay"/>. It tells
    /// rates, not factors: the recipe's <see cref="TrainingRecipe.LearningRate"/> is not used. Not for use inside another schedule.
    /// </summary>
    /// <param name="scheduler">The scheduler; asked for the rate of every step.</param>
    /// <exception cref="ArgumentNullException"><paramref name="scheduler"/> is <see langword="null"/>.</exception>
    public static LearningRateSchedule ToSchedule(this LearningRateScheduler scheduler)
    {
        ArgumentNullException.ThrowIfNull(scheduler);
        return new MLNetSchedule(scheduler);
    }
}
