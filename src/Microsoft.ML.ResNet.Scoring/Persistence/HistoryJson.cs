namespace Microsoft.ML.ResNet.Persistence;

/// <summary>
/// How training went, as the member <c>history</c> of <c>model.json</c>, and back. Its figures are for people: none is refused, whatever
/// number it is, so that no odd one makes a model useless. What counts epochs is checked.
/// </summary>
internal static class HistoryJson
{
    /// <summary>The most epochs that a model file keeps, about 4 MiB of text: the newest.</summary>
    public const int MaximumEpochs = 10_000;

    /// <summary>Describes a training; <see langword="null"/> if there was none.</summary>
    /// <param name="history">The reports of its epochs.</param>
    /// <param name="keptEpoch">The number of the epoch whose weights the model has.</param>
    public static ModelDescription.HistoryDescription? Write(IReadOnlyList<EpochReport> history, int? keptEpoch)
        => history.Count == 0 || keptEpoch is not { } kept
            ? null
            : new(history[^1].NumberOfEpochs, kept, [.. history.TakeLast(MaximumEpochs).Select(Write)]);

    /// <summary>Reads the description of a training.</summary>
    /// <returns>
    /// The reports and the number of the epoch whose weights the model has; empty and <see langword="null"/> where nothing is described.
    /// </returns>
    /// <exception cref="ModelFormatException">Epochs are absent, too many, out of order, or more than there should have been.</exception>
    public static (IReadOnlyList<EpochReport> History, int? KeptEpoch) Read(ModelDescription.HistoryDescription? description)
    {
        if (description is null)
            return ([], null);
        if (description.Epochs.Count is < 1 or > MaximumEpochs)
            throw Error($"{description.Epochs.Count} epochs; expected 1 to {MaximumEpochs}");
        var last = 0;
        foreach (var epoch in description.Epochs)
            last = epoch is not null && epoch.Epoch > last
                ? epoch.Epoch
                : throw Error($"'{epoch?.Epoch}' after epoch {last}; expected epochs in order, from 1 on");
        if (last > description.NumberOfEpochs || description.KeptEpoch < 1 || description.KeptEpoch > last)
            throw Error($"the weights of epoch {description.KeptEpoch} and {last} of {description.NumberOfEpochs} epochs; expected an "
                + "epoch that was trained");
        return ([.. description.Epochs.Select(epoch => Read(epoch!, description.NumberOfEpochs))], description.KeptEpoch);
    }

    private static ModelDescription.EpochDescription Write(EpochReport report)
        => new(report.Epoch, report.LearningRate, report.TrainLoss, report.TrainAccuracy,
        report.ImagesPerSecond, report.Elapsed.TotalSeconds, report.TimeLeft.TotalSeconds, report.ValidationLoss,
            report.ValidationAccuracy);

    private static EpochReport Read(ModelDescription.EpochDescription read, int numberOfEpochs)
        => new(read.Epoch, numberOfEpochs, read.LearningRate, read.TrainLoss, read.TrainAccuracy,
        read.ValidationLoss, read.ValidationAccuracy, read.ImagesPerSecond, Seconds(read.Elapsed), Seconds(read.TimeLeft));

    // TimeSpan.FromSeconds cuts the last tick off and refuses large numbers; this conversion rounds and saturates.
    private static TimeSpan Seconds(double seconds) => new((long)Math.Round(seconds * TimeSpan.TicksPerSecond));

    private static ModelFormatException Error(string found) => new($"model.json has a history with {found}.");
}
