using System.CommandLine;
using System.Text.Json.Nodes;
using Samples.CommandLine;
using Samples.Output;
using Samples.Runs;
using Samples.Studies;
using Spectre.Console;

namespace Samples.Verbs;

/// <summary><c>resnet study</c>: trains a grid of networks, one after the other, and compares them.</summary>
internal static class Study
{
    private const string UsualPart = "0.2"; // held out of data that has no part to validate on
    private const string UsualInterval = "30"; // seconds between checkpoints: what a kill may cost

    private static readonly Option<int[]> Depths = List("--depths", "Layers of the networks, all of the CIFAR family.", "20,32,44,56", 1);
    private static readonly Option<int[]> Epochs = List("--epochs", "Passes over the training images.", "5,10", 1);
    private static readonly Option<int[]> BatchSizes = List("--batch-sizes", "Images in one step.", "64,128", 2);
    private static readonly Option<int[]> Seeds = List("--seeds", "What decides weights, order and augmentation.", "1,2,3", 0);

    private static readonly Option<string?> Output = new("--output")
    {
        Description = $"The folder of the study; one that is there goes on. [default: {RunFolder.Root}/study-NAME, after the data]",
        HelpName = "FOLDER",
    };

    /// <summary>The verb with its options.</summary>
    public static Command Command()
    {
        var command = new Command("study", "Trains a grid of networks, one after the other, and compares them. Killed, it goes on.");
        Train.AddData(command);
        foreach (var option in (Option[])[Depths, Epochs, BatchSizes, Seeds, .. Train.OfEveryCell, Output])
            command.Options.Add(option);
        command.SetWork(Run, result => result["failed"]!.AsArray().Count == 0 ? 0 : 1);
        return command;
    }

    private static JsonObject Run(ParseResult options, Display display, CancellationToken cancellation)
    {
        var data = new DataPath(Train.PathOfData(options));
        var cells = StudyCell.Grid(options.GetValue(Depths)!, options.GetValue(Epochs)!, options.GetValue(BatchSizes)!,
            options.GetValue(Seeds)!);
        foreach (var cell in cells) // a depth that there is not is found out now, not after hours
            Train.Parse([$"{data}", .. cell.Options]);
        var path = options.GetValue(Output) ?? Path.Combine(RunFolder.Root, $"study-{RunFolder.NameOf(data.Path)}");
        OutputFile.CheckOutside(Output.Name, path, data);
        var images = Fingerprint.AtAGlance([data.Path, .. Train.PathOfValidation(options) is { } other ? [other] : Array.Empty<string>()]);
        using var folder = new StudyFolder(path);
        string[] common = [$"{data}", .. Given(options), .. Defaults(data, options)];
        var origins = cells.Select(cell => new StudyOrigin(CommandText.Of(["train", .. common, .. cell.Options]), images)).ToList();
        var found = cells.Zip(origins, folder.Find).ToList(); // what does not belong together is told now, not after hours
        var (results, problems, trained) = (new List<StudyResult>(), new List<(StudyCell Cell, string Reason)>(), 0);
        foreach (var (index, cell) in cells.Index())
        {
            var heading = $"{index + 1}/{cells.Count} {cell.Name}";
            var before = found[index];
            try
            {
                var result = before ?? TrainCell(folder, cell, [.. common, .. cell.Options], origins[index], heading, cancellation);
                results.Add(result);
                trained += before is null ? 1 : 0;
                display.Line($"{heading,-32} {result.Accuracy:f4} {result.Seconds,7:f0} s{(before is null ? "" : "   from before")}");
            }
            catch (InvalidOperationException exception) when (ExpectedErrors.Explains(exception)) // it diverged, or wants too much memory
            {
                problems.Add((cell, ExpectedErrors.OneLine(exception)));
                display.Line($"{heading,-32} failed");
            }
            if (results.Count > 0 && (before is null || index == cells.Count - 1))
                StudyPages.Write(folder, results, CommandText.Given, cells.Count);
        }
        var shown = Show(folder, results, trained, display);
        shown["failed"] = new JsonArray([.. problems.Select(problem
            => (JsonNode)new JsonObject { ["cell"] = problem.Cell.Name, ["reason"] = problem.Reason })]);
        if (problems.Count > 0)
            Display.Error($"{problems.Count} of {cells.Count} trainings failed.");
        foreach (var (cell, reason) in problems)
            Display.Error($"{cell.Name}: {reason}");
        return shown;
    }

    private static StudyResult TrainCell(StudyFolder folder, StudyCell cell, string[] named, StudyOrigin origin, string heading,
        CancellationToken cancellation)
    {
        folder.Begin(cell, origin);
        var result = Train.Run(Train.Parse([.. named, .. folder.Options(cell)]), new Display(heading), cancellation);
        return folder.Finish(cell, origin, (int)result["epoch"]!, (long)result["parameters"]!);
    }

    private static JsonObject Show(StudyFolder folder, List<StudyResult> results, int trained, Display display)
    {
        var summaries = StudySummary.Of(results);
        var table = Display.NewTable(texts: [], numbers: ["depth", "epochs", "batch", "runs", "accuracy", "seconds"]);
        foreach (var summary in summaries)
            table.AddRow($"{summary.Depth}", $"{summary.Epochs}", $"{summary.BatchSize}", $"{summary.Runs}", summary.AccuracyText,
                $"{summary.Seconds:f0}");
        var hasPage = results.Count > 0;
        if (hasPage)
        {
            display.Line();
            display.Table(table);
            display.Line($"Page: {folder.In("study.html")}");
        }
        return new JsonObject
        {
            ["study"] = folder.Path,
            ["page"] = hasPage ? folder.In("study.html") : null,
            ["csv"] = hasPage ? folder.In("study.csv") : null,
            ["cells"] = results.Count,
            ["trained"] = trained,
            ["skipped"] = results.Count - trained,
            ["means"] = new JsonArray([.. summaries.Select(summary => (JsonNode)new JsonObject
            {
                ["depth"] = summary.Depth,
                ["epochs"] = summary.Epochs,
                ["batchSize"] = summary.BatchSize,
                ["runs"] = summary.Runs,
                ["accuracy"] = summary.Accuracy,
                ["spread"] = summary.Spread,
                ["seconds"] = Math.Round(summary.Seconds, 3),
            })]),
        };
    }

    // The options of every cell that were given, as they were given.
    private static IEnumerable<string> Given(ParseResult options)
        => from option in Train.OfEveryCell
           let result = options.GetResult(option)
           where result is { Implicit: false }
           from word in (string[])[option.Name, .. result.Tokens.Select(token => token.Value)]
           select word;

    private static IEnumerable<string> Defaults(DataPath data, ParseResult options) =>
    [
        .. data.IsPictures || Train.HoldsOut(options) ? [] : new[] { "--validation-fraction", UsualPart },
        .. Train.KeepsCheckpointsEvery(options) ? [] : new[] { "--checkpoint-interval", UsualInterval },
    ];

    private static Option<int[]> List(string name, string description, string usual, int least) => new(name)
    {
        Description = $"{description} [default: {usual}]",
        HelpName = "LIST",
        CustomParser = Arguments.WholeNumbers(least, usual),
        DefaultValueFactory = _ => [.. usual.Split(',').Select(int.Parse)],
    };
}
