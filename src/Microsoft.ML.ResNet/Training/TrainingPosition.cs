namespace Microsoft.ML.ResNet.Training;

/// <summary>How far a training has come. Immutable, so that any thread may look at it.</summary>
/// <param name="Epoch">The number of the epoch that is being trained; the first is 1, and one past the last means the end.</param>
/// <param name="NumberOfEpochs">How many epochs there will be.</param>
/// <param name="Step">Steps of the epoch that are done; 0 before the first.</param>
/// <param name="StepsPerEpoch">Steps in one epoch.</param>
internal sealed record TrainingPosition(int Epoch, int NumberOfEpochs, int Step, int StepsPerEpoch)
{
    /// <summary>Whether the epoch's last step is done.</summary>
    public bool IsEndOfEpoch => Step == StepsPerEpoch;

    /// <summary>Steps to come, in this epoch and all others.</summary>
    public long StepsLeft => (long)(NumberOfEpochs - Epoch) * StepsPerEpoch + StepsPerEpoch - Step;
}
