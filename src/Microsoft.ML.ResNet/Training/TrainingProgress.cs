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

    /// <summary>The number of the epoch that is being trained; the first is 1.</summary>
    public int Epoch { get; }

    /// <summary>How many epochs there will be.</summary>
    public int NumberOfEpochs { get; }

    /// <summary>Steps of the epoch that are done; at least 1.</summary>
    public int Step { get; }

    /// <summary>Steps in one epoch.</summary>
    public int StepsPerEpoch { get; }

    /// <summary>Mean cross-entropy over the images of the epoch so far, in nats; no finite number if training diverges.</summary>
    public double TrainLoss { get; }

    /// <summary>The part of the images of the epoch so far that was classified right, from 0 to 1.</summary>
    public double TrainAccuracy { get; }

    /// <summary>Training images per second in the epoch so far, validation left out.</summary>
    public double ImagesPerSecond { get; }

    /// <summary>Time since training began, that of the epochs before a resume included.</summary>
    public TimeSpan Elapsed { get; }

    /// <summary>What the steps to come will take if they are like those so far, their share of validation included.</summary>
    public TimeSpan TimeLeft { get; }

    /// <summary>The report of the last epoch that ended; <see langword="null"/> in the first.</summary>
    public EpochReport? LastEpoch { get; }

    /// <summary>The progress as one line for logs.</summary>
    public override string ToString()
        => string.Create(CultureInfo.InvariantCulture,
            $"Epoch {Epoch}/{NumberOfEpochs}, step {Step}/{StepsPerEpoch}: train loss {TrainLoss:f4} accuracy {TrainAccuracy:f4}, "
                + $"{ImagesPerSecond:f0} images/s, {TimeLeft:hh\\:mm\\:ss} left");
}
