using System.Globalization;
using System.Text.Json.Serialization;

namespace Microsoft.ML.ResNet;

/// <summary>What one epoch of training achieved. Every figure is over all rows of its set. Immutable.</summary>
public sealed class EpochReport
{
    [JsonConstructor] // checkpoints keep reports as JSON
    internal EpochReport(int epoch, int numberOfEpochs, double learningRate, double trainLoss, double trainAccuracy,
        double? validationLoss, double? validationAccuracy, double imagesPerSecond, TimeSpan elapsed, TimeSpan timeLeft)
    {
        (Epoch, NumberOfEpochs, LearningRate) = (epoch, numberOfEpochs, learningRate);
        (TrainLoss, TrainAccuracy) = (trainLoss, trainAccuracy);
        (ValidationLoss, ValidationAccuracy) = (validationLoss, validationAccuracy);
        (ImagesPerSecond, Elapsed, TimeLeft) = (imagesPerSecond, elapsed, timeLeft);
    }

    /// <summary>The epoch's number; the first is 1.</summary>
    public int Epoch { get; }

    /// <summary>How many epochs there will be.</summary>
    public int NumberOfEpochs { get; }

    /// <summary>The rate of the epoch's last step.</summary>
    public double LearningRate { get; }

    /// <summary>Mean cross-entropy over the training rows, in nats, as they were seen: augmented, while the weights changed.</summary>
    public double TrainLoss { get; }

    /// <summary>The part of the training rows that was classified right while it was seen, from 0 to 1.</summary>
    public double TrainAccuracy { get; }

    /// <summary>
    /// Mean cross-entropy over the validation rows after the epoch, in nats; <see langword="null"/> without a validation set.
    /// </summary>
    public double? ValidationLoss { get; }

    /// <summary>
    /// The part of the validation rows that is classified right after the epoch, from 0 to 1; <see langword="null"/> without a validation
    /// set.
    /// </summary>
    public double? ValidationAccuracy { get; }

    /// <summary>Training images per second, validation left out.</summary>
    public double ImagesPerSecond { get; }

    /// <summary>Time since training began.</summary>
    public TimeSpan Elapsed { get; }

    /// <summary>What the epochs to come will take if they are like those so far.</summary>
    public TimeSpan TimeLeft { get; }

    /// <summary>The report as one line for logs.</summary>
    public override string ToString()
    {
        var validation = ValidationLoss is null
            ? ""
            : string.Create(CultureInfo.InvariantCulture, $", validation loss {ValidationLoss:f4} accuracy {ValidationAccuracy:f4}");
        return string.Create(CultureInfo.InvariantCulture,
            $"Epoch {Epoch}/{NumberOfEpochs}: rate {LearningRate:g4}, train loss {TrainLoss:f4} accuracy {TrainAccuracy:f4}{validation}, "
                + $"{ImagesPerSecond:f0} images/s, {TimeLeft:hh\\:mm\\:ss} left");
    }
}
