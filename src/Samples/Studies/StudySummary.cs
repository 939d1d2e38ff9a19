namespace Samples.Studies;

/// <summary>The trainings of a study that differ by nothing but their seeds.</summary>
/// <param name="Depth">Layers of the network.</param>
/// <param name="Epochs">Passes over the training images.</param>
/// <param name="BatchSize">Images in one step.</param>
/// <param name="Runs">How many there are.</param>
/// <param name="Accuracy">The mean of their accuracies.</param>
/// <param name="Spread">Their sample standard deviation; <see langword="null"/> for a single one.</param>
/// <param name="Seconds">The mean of their seconds.</param>
internal sealed record StudySummary(int Depth, int Epochs, int BatchSize, int Runs, double Accuracy, double? Spread, double Seconds)
{
    /// <summary>Summarises results, in the order of depth, epochs and batch size.</summary>
    public static IReadOnlyList<StudySummary> Of(IEnumerable<StudyResult> results) =>
        [.. results.GroupBy(result => (result.Cell.Depth, result.Cell.Epochs, result.Cell.BatchSize)).OrderBy(group => group.Key)
            .Select(group => new StudySummary(group.Key.Depth, group.Key.Epochs, group.Key.BatchSize, group.Count(),
                group.Average(result => result.Accuracy), Deviation([.. group.Select(result => result.Accuracy)]),
                group.Average(result => result.Seconds)))];

    /// <summary>The accuracy with its spread, as in <c>0.8123 ± 0.0045</c>.</summary>
    public string AccuracyText => Spread is { } spread ? $"{Accuracy:f4} ± {spread:f4}" : $"{Accuracy:f4}";

    private static double? Deviation(double[] values)
    {
        if (values.Length < 2)
            return null;
        var mean = values.Average();
        return Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)) / (values.Length - 1));
    }
}
