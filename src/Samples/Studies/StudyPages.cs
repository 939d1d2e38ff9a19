using Microsoft.ML.ResNet.Reports;
using Samples.CommandLine;

namespace Samples.Studies;

/// <summary>
/// What a study shows: <c>study.csv</c> with a line for each training, plots as PNG, and <c>study.html</c> with everything.
/// </summary>
internal static class StudyPages
{
    private const string Accuracy = "validation accuracy";

    private static readonly (string Name, string Title, Func<StudySummary, int> Value)[] Factors =
    [
        ("depth", "layers", summary => summary.Depth),
        ("epochs", "epochs", summary => summary.Epochs),
        ("batch-size", "images in a batch", summary => summary.BatchSize),
    ];

    /// <summary>Writes the files; those of before are replaced.</summary>
    /// <param name="folder">The study.</param>
    /// <param name="results">What is finished.</param>
    /// <param name="command">The command of the study.</param>
    /// <param name="cells">How many trainings there will be.</param>
    public static void Write(StudyFolder folder, IReadOnlyList<StudyResult> results, string command, int cells)
    {
        WriteCsv(folder.In("study.csv"), results);
        var summaries = StudySummary.Of(results);
        var plots = Plots(summaries);
        foreach (var (name, plot) in plots)
            plot.WritePng(folder.In($"accuracy-{name}.png"));
        new PlotPage
        {
            Title = "Study",
            Paragraphs =
            [
                $"{results.Count} of {cells} trainings are finished. Accuracies are those of each training's kept epoch on the validation "
                    + "images: the mean over seeds, and the sample standard deviation, which bars show.",
            ],
            Plots = [.. plots.Select(plot => plot.Plot)],
            Tables = [Table(summaries), Table(results)],
            Command = command,
        }.Write(folder.In("study.html"));
    }

    private static List<(string Name, LinePlot Plot)> Plots(IReadOnlyList<StudySummary> summaries)
    {
        var varied = Factors.Where(factor => summaries.Select(factor.Value).Distinct().Skip(1).Any()).ToList();
        List<(string Name, LinePlot Plot)> plots = [.. varied.Select(factor => (factor.Name, Against(factor.Title, summaries, factor.Value,
            others: [.. varied.Where(other => other != factor)])))];
        var depths = varied.Where(factor => factor.Name == "depth").ToArray();
        plots.Add(("seconds", new LinePlot
        {
            XTitle = "seconds of training",
            YTitle = Accuracy,
            Lines = Lines(summaries, depths, summary => summary.Seconds, isJoined: false),
        }));
        return plots;
    }

    private static LinePlot Against(string title, IReadOnlyList<StudySummary> summaries, Func<StudySummary, int> value,
        (string Name, string Title, Func<StudySummary, int> Value)[] others) => new()
        {
            XTitle = title,
            YTitle = Accuracy,
            Lines = Lines(summaries, others, summary => value(summary), isJoined: true),
        };

    // A line for each combination of the factors that a plot does not have on its axis.
    private static IReadOnlyList<PlotLine> Lines(IReadOnlyList<StudySummary> summaries,
        (string Name, string Title, Func<StudySummary, int> Value)[] factors, Func<StudySummary, double> across, bool isJoined) =>
        [.. summaries.GroupBy(summary => string.Join(", ", factors.Select(factor => $"{factor.Name} {factor.Value(summary)}")))
            .Select(line => new PlotLine(line.Key, [.. line.OrderBy(across)
                .Select(summary => new PlotPoint(across(summary), summary.Accuracy, summary.Spread ?? 0))]) { IsJoined = isJoined })];

    private static PlotTable Table(IReadOnlyList<StudySummary> summaries) => new("Means over seeds",
        ["depth", "epochs", "batch size", "trainings", Accuracy, "spread", "seconds"],
        [.. summaries.Select(summary => new PlotCell[]
        {
            new(summary.Depth), new(summary.Epochs), new(summary.BatchSize), new(summary.Runs), new(summary.Accuracy, "f4"),
            new(summary.Spread, "f4"), new(summary.Seconds, "f1"),
        })]);

    private static PlotTable Table(IReadOnlyList<StudyResult> results) => new("All trainings",
        ["training", "parameters", "kept epoch", Accuracy, "validation loss", "train accuracy", "train loss", "seconds"],
        [.. results.Select(result => new PlotCell[]
        {
            new(result.Cell.Name), new(result.Parameters), new(result.Epoch), new(result.Accuracy, "f4"), new(result.Loss, "f4"),
            new(result.TrainAccuracy, "f4"), new(result.TrainLoss, "f4"), new(result.Seconds, "f1"),
        })]);

    private static void WriteCsv(string path, IReadOnlyList<StudyResult> results) => OutputFile.Write(path, TextWriter.Null, text =>
    {
        text.WriteLine("Depth,Epochs,BatchSize,Seed,Parameters,KeptEpoch,ValidationAccuracy,ValidationLoss,TrainAccuracy,TrainLoss,"
            + "Seconds");
        foreach (var result in results)
            text.WriteLine(string.Join(',', result.Cell.Depth, result.Cell.Epochs, result.Cell.BatchSize, result.Cell.Seed,
                result.Parameters, result.Epoch, result.Accuracy, result.Loss, result.TrainAccuracy, result.TrainLoss, result.Seconds));
    });
}
