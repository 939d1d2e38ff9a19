namespace Microsoft.ML.ResNet.Fitting;

/// <summary>Who receives the reports of a training besides the log. Whatever is <see langword="null"/> receives none.</summary>
/// <param name="MetricsCallback">Receives a report after every epoch.</param>
/// <param name="Progress">Receives a report after a step, at most ten times a second.</param>
/// <param name="HistoryFile">A CSV file of all epochs.</param>
/// <param name="TensorBoardDirectory">A folder for TensorBoard.</param>
internal sealed record ReportTargets(Action<EpochReport>? MetricsCallback, IProgress<TrainingProgress>? Progress, string? HistoryFile,
    string? TensorBoardDirectory);
