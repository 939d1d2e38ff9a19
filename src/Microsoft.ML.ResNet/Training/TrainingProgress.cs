using System.Globalization;

namespace Microsoft.ML.ResNet;

/// <summary>Where training stands within an epoch. Immutable.</summary>
public sealed class TrainingProgress
{
    internal TrainingProgress(int epoch, int numberOfEpochs, int step, int stepsPerEpoch, double trainLoss, double trainAccuracy,
        double imagesPerSecond, TimeSpan elapsed, TimeSpan timeLeft, EpochReport? lastEpoch)
    {
        (Epoch, NumberOfEpochs, Step, StepsPerEpoch) = (epoch, numberOfEpochs, step, stepsPerEpoch);
        (TrainLoss, TrainAccuracy) = (trainLoss, trainAccuracy);
        (ImagesPerSecond, Elapsed, TimeLeft, LastEpoch) = (imagesPerSecond, elapsed, timeLeft, lastEpoch);
    }

    /// <summary>
    /// The part of the images that have passed the frozen layers, from 0 to 1, while these are computed before the first epoch: there are
    /// no steps then, and loss and accuracy are NaN. <see langword="null"/> while epochs are trained.
    /// </summary>
    public double? FeaturesComputed { get; internal init; }

    /// <summary>The number of the epoch that is being trained; the first is 1. Before the first it is 0.</summary>
    public int Epoch { get; }

    /// <summary>How many epochs there will be; 0 before the first.</summary>
    public int NumberOfEpochs { get; }

    /// <summary>Steps of the epoch that are done; at least 1, and 0 before the first epoch.</summary>
    public int Step { get; }

    /// <summary>Steps in one epoch; 0 before the first.</summary>
    public int StepsPerEpoch { get; }

    /// <summary>Mean cross-entropy over the images of the epoch so far, in nats; no finite number if training diverges.</summary>
    public double TrainLoss { get; }

    /// <summary>The part of the images of the epoch so far that was classified right, from 0 to 1.</summary>
    public double TrainAccuracy { get; }

    /// <summary>
    /// Training images per second in the epoch so far, validation left out; before the first, images that pass the frozen layers.
    /// </summary>
    public double ImagesPerSecond { get; }

    /// <summary>Time since training began, that of the epochs before a resume included.</summary>
    public TimeSpan Elapsed { get; }

    /// <summary>
    /// What the steps to come will take if they are like those so far, their share of validation included; before the first epoch, what is
    /// left of the frozen layers will take.
    /// </summary>
    public TimeSpan TimeLeft { get; }

    /// <summary>The report of the last epoch that ended; <see langword="null"/> in the first.</summary>
    public EpochReport? LastEpoch { get; }

    /// <summary>The progress as one line for logs.</summary>
    public override string ToString()
        => FeaturesComputed is { } part
            ? string.Create(CultureInfo.InvariantCulture,
                $"Features {part:p0}: {ImagesPerSecond:f0} images/s, {TimeLeft:hh\\:mm\\:ss} left")
            : string.Create(CultureInfo.InvariantCulture,
            $"Epoch {Epoch}/{NumberOfEpochs}, step {Step}/{StepsPerEpoch}: train loss {TrainLoss:f4} accuracy {TrainAccuracy:f4}, "
                + $"{ImagesPerSecond:f0} images/s, {TimeLeft:hh\\:mm\\:ss} left");
}
