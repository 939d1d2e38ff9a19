using System.Globalization;

namespace Microsoft.ML.ResNet;

/// <summary>What one epoch of training achieved. Every figure is over all rows of its set.</summary>
/// <param name="Epoch">The epoch's number; the first is 1.</param>
/// <param name="NumberOfEpochs">How many epochs there will be.</param>
/// <param name="LearningRate">The rate of the epoch's last step.</param>
/// <param name="TrainLoss">
/// Mean cross-entropy over the training rows, in nats, as they were seen: augmented, while the weights changed.
/// </param>
/// <param name="TrainAccuracy">The part of the training rows that was classified right while it was seen, from 0 to 1.</param>
/// <param name="ValidationLoss">
/// Mean cross-entropy over the validation rows after the epoch, in nats; <see langword="null"/> without a validation set.
/// </param>
/// <param name="ValidationAccuracy">
/// The part of the validation rows that is classified right after the epoch; <see langword="null"/> without a validation set.
/// </param>
/// <param name="ImagesPerSecond">Training images per second, validation left out.</param>
/// <param name="Elapsed">Time since training began.</param>
/// <param name="TimeLeft">What the epochs to come will take if they are like those so far.</param>
public sealed record EpochReport(
    int Epoch,
    int NumberOfEpochs,
    double LearningRate,
    double TrainLoss,
    double TrainAccuracy,
    double? ValidationLoss,
    double? ValidationAccuracy,
    double ImagesPerSecond,
    TimeSpan Elapsed,
    TimeSpan TimeLeft)
{
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
