using Microsoft.ML.ResNet;

namespace Samples.Output;

/// <summary>Shows training: one line for each epoch and, on a terminal, a bar below them.</summary>
internal sealed class EpochLines(Display display)
{
    private readonly List<EpochReport> _reports = [];

    /// <summary>Images per second over all epochs, validation left out.</summary>
    public double ImagesPerSecond => _reports.Count / _reports.Sum(report => 1 / report.ImagesPerSecond);

    /// <summary>
    /// The report of the epoch whose weights the model has: the best on the validation images, or the last. Null where training was resumed, and the
    /// best may have been before.
    /// </summary>
    public EpochReport? Kept => _reports is [{ Epoch: 1 }, ..] ? _reports.MaxBy(report => (report.ValidationAccuracy ?? 0, -report.ValidationLoss ?? report.Epoch)) : null;

    /// <summary>Shows what <paramref name="train"/> reports while it runs.</summary>
    /// <param name="numberOfEpochs">How many reports there will be.</param>
    /// <param name="train">Trains; hand its argument to <see cref="ResNetTrainer.Options.EpochCallback"/>.</param>
    public T During<T>(int numberOfEpochs, Func<Action<EpochReport>, T> train)
    {
        if (!display.IsLive)
            return train(Print);
        return display.Progress().Start(bars =>
        {
            var bar = bars.AddTask($"epoch 1 of {numberOfEpochs}", maxValue: numberOfEpochs);
            return train(report =>
            {
                Print(report);
                bar.Value = report.Epoch; // a resumed training does not begin with the first
                bar.Description = $"epoch {Math.Min(report.Epoch + 1, numberOfEpochs)} of {numberOfEpochs}, {report.TimeLeft:hh\\:mm\\:ss} left";
            });
        });
    }

    private void Print(EpochReport report)
    {
        if (_reports.Count == 0)
            display.LineAboveBars($"epoch      rate  train loss  accuracy{(report.ValidationLoss is null ? "" : "  validation loss  accuracy")}  images/s");
        _reports.Add(report);
        var validation = report.ValidationLoss is null ? "" : $"  {report.ValidationLoss,15:f4}  {report.ValidationAccuracy,8:f4}";
        display.LineAboveBars($"{report.Epoch,5}  {report.LearningRate,8:g4}  {report.TrainLoss,10:f4}  {report.TrainAccuracy,8:f4}{validation}  {report.ImagesPerSecond,8:f0}");
    }
}
