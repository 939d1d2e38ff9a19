namespace Microsoft.ML.ResNet;

/// <summary>Where training stands within an epoch.</summary>
/// <param name="Epoch">The number of the epoch that is being trained; the first is 1.</param>
/// <param name="NumberOfEpochs">How many epochs there will be.</param>
/// <param name="Step">Steps of the epoch that are done; at least 1.</param>
/// <param name="StepsPerEpoch">Steps in one epoch.</param>
/// <param name="TrainLoss">Mean cross-entropy over the images of the epoch so far, in nats; no finite number if training diverges.</param>
/// <param name="TrainAccuracy">The part of the images of the epoch so far that was classified right, from 0 to 1.</param>
/// <param name="ImagesPerSecond">Training images per second in the epoch so far, validation left out.</param>
/// <param name="Elapsed">Time since training began, that of the epochs before a resume included.</param>
/// <param name="TimeLeft">What the steps to come will take if they are like those so far, their share of validation included.</param>
/// <param name="LastEpoch">The report of the last epoch that ended; <see langword="null"/> in the first.</param>
public sealed record TrainingProgress(
    int Epoch,
    int NumberOfEpochs,
    int Step,
    int StepsPerEpoch,
    double TrainLoss,
    double TrainAccuracy,
    double ImagesPerSecond,
    TimeSpan Elapsed,
    TimeSpan TimeLeft,
    EpochReport? LastEpoch);
