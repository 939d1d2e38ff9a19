using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.ML.ResNet.Foundation;
using Microsoft.ML.Trainers;

namespace Microsoft.ML.ResNet.Fitting;

/// <summary>
/// One of ML.NET's own schedulers (<c>LsrDecay</c>, <c>ExponentialLRDecay</c>, <c>PolynomialLRDecay</c>) as a schedule of ours. Theirs tell
/// a rate for a batch of an epoch, ours a factor for a part of training, so that a training must first say what its steps are.
/// </summary>
/// <param name="Scheduler">ML.NET's scheduler.</param>
internal sealed record MLNetSchedule(LearningRateScheduler Scheduler) : LearningRateSchedule, IFingerprinted
{
    /// <summary>How training goes on; its base rate is what the factor refers to. <see langword="null"/> until a training begins.</summary>
    public TrainingRecipe? Recipe { get; init; }

    /// <summary>Steps in one epoch; 0 until a training begins.</summary>
    public int StepsPerEpoch { get; init; }

    /// <summary>The recipe, with the scheduler told of the training's steps if it has one.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="stepsPerEpoch">Steps in one epoch.</param>
    public static TrainingRecipe Bind(TrainingRecipe recipe, int stepsPerEpoch) => recipe.Schedule is MLNetSchedule schedule
        ? recipe with { Schedule = schedule with { Recipe = recipe, StepsPerEpoch = stepsPerEpoch } }
        : recipe;

    /// <inheritdoc/>
    internal override bool NeedsSteps => true;

    /// <summary>
    /// ML.NET's schedulers keep what they were made of to themselves; the rates of all steps tell as much. To five digits, because the last
    /// ones may differ between machines.
    /// </summary>
    public string Fingerprint
    {
        get
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            var steps = Recipe!.NumberOfEpochs * (double)StepsPerEpoch;
            for (var step = 0; step < steps; step++)
                hash.AppendData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Factor(step / steps):g5} ")));
            return $"{Scheduler.GetType().Name} with factors of SHA-256 {Convert.ToHexStringLower(hash.GetHashAndReset())}";
        }
    }

    /// <inheritdoc/>
    public override double Factor(double progress)
    {
        if (Recipe is null)
            throw new InvalidOperationException(
                $"{this} tells a rate for a batch of an epoch, and only a training knows those. Put it into TrainingRecipe.Schedule "
                + "itself, not into another schedule.");
        var step = (long)Math.Round(progress * Recipe.NumberOfEpochs * StepsPerEpoch);
        var rate = Scheduler.GetLearningRate(new DnnTrainState
        {
            CurrentEpoch = (int)(step / StepsPerEpoch),
            CurrentBatchIndex = (int)(step % StepsPerEpoch),
            BatchSize = Recipe.BatchSize,
            BatchesPerEpoch = StepsPerEpoch,
        });
        return rate / Recipe.LearningRate;
    }

    /// <summary>The name of ML.NET's type.</summary>
    public override string ToString() => Scheduler.GetType().Name;
}
