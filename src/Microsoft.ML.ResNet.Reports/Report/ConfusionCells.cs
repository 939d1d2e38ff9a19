namespace Microsoft.ML.ResNet.Reports.Report;

/// <summary>A confusion matrix as the list of its cells that are not empty: with a thousand classes, few are.</summary>
internal static class ConfusionCells
{
    /// <summary>Counts the pictures of each cell.</summary>
    /// <returns>For each cell three numbers, one after the other: the true class, the predicted class, the pictures.</returns>
    public static int[] Of(IEnumerable<Outcome> outcomes)
        => [.. outcomes.CountBy(outcome => (outcome.Label, outcome.Predicted)).OrderBy(cell => cell.Key)
            .SelectMany(cell => new[] { cell.Key.Label, cell.Key.Predicted, cell.Value })];
}
