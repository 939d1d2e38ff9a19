using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.ML.ResNet.Foundation;
using Microsoft.ML.Trainers;

namespace Microsoft.ML.ResNet.Fitting;

/// <summary>
/// One of ML.NET's own schedulers (<c>LsrDecay</c>, <c>ExponentialLRDecay</c>, <c>PolynomialLRDecay</c>) as a schedule of ours. Theirs give
/// the rate of a batch of an epoch, ours the factor at a fraction of the training.
/// </summary>
/// <param name="Scheduler">ML.NET's scheduler.</param>
/// <param name="Recipe">The recipe of the training; its base rate times the factor is the scheduler's rate.</param>
/// <param name="StepsPerEpoch">Steps in one epoch.</param>
internal sealed record MLNetSchedule(LearningRateScheduler Scheduler, TrainingRecipe Recipe, int StepsPerEpoch)
    : LearningRateSchedule, IFingerprinted
{
    /// <summary>
    /// ML.NET's schedulers keep what they were made of to themselves; the rates of all steps tell as much. To five digits, because the last
    /// ones may differ between machines.
    /// </summary>
    public string Fingerprint
    {
        get
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            var steps = Recipe.NumberOfEpochs * (double)StepsPerEpoch;
            for (var step = 0; step < steps; step++)
                hash.AppendData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Factor(step / steps):g5} ")));
            return $"{Scheduler.GetType().Name} with factors of SHA-256 {Convert.ToHexStringLower(hash.GetHashAndReset())}";
        }
    }

    /// <inheritdoc/>
    public override double Factor(double progress)
    {
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

    /// <inheritdoc/>
    internal override IEnumerable<string> Problems() => [];

    /// <summary>The name of ML.NET's type.</summary>
    public override string ToString() => Scheduler.GetType().Name;
}
