namespace Microsoft.ML.ResNet.Reporting;

/// <summary>
/// The reports of epochs as a table: which columns follow <c>Epoch</c> and <c>NumberOfEpochs</c>, under the names that
/// <see cref="EpochReport"/> gives them.
/// </summary>
internal static class HistoryTable
{
    /// <summary>The columns with their values; <see langword="null"/> is a value that was not measured. Times are in seconds.</summary>
    public static IReadOnlyList<(string Name, Func<EpochReport, double?> Value)> Figures { get; } =
    [
        (nameof(EpochReport.LearningRate), report => report.LearningRate),
        (nameof(EpochReport.TrainLoss), report => report.TrainLoss),
        (nameof(EpochReport.TrainAccuracy), report => report.TrainAccuracy),
        (nameof(EpochReport.ValidationLoss), report => report.ValidationLoss),
        (nameof(EpochReport.ValidationAccuracy), report => report.ValidationAccuracy),
        (nameof(EpochReport.ImagesPerSecond), report => report.ImagesPerSecond),
        (nameof(EpochReport.Elapsed), report => report.Elapsed.TotalSeconds),
        (nameof(EpochReport.TimeLeft), report => report.TimeLeft.TotalSeconds),
    ];
}
