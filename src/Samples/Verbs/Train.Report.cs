using System.CommandLine;
using Microsoft.ML;
using Microsoft.ML.ResNet.Reports;
using Samples.CommandLine;
using Samples.Output;
using Samples.Planning;
using Samples.Runs;
using Samples.Training;

namespace Samples.Verbs;

/// <content>The page that shows how good the trained model is.</content>
internal static partial class Train
{
    private static readonly Option<string?> ReportFile = new("--report")
    {
        Description = "The page to write that shows how good the model is, where there are validation images. [default: report.html in the "
            + "folder of --run]",
        HelpName = "FILE",
    };

    // Before the training, not after it.
    private static void CheckReport(string? path, DataPath data, ParseResult options)
    {
        if (path is not null && !IsPictures(data, options) && options.GetValue(Validation) is null)
            throw new InvalidDataException($"{ReportFile.Name} shows how good the model is, and {NothingToShow(options)}");
    }

    private static string NothingToShow(ParseResult options) => (options.GetResult(ValidationSetFraction) is null
        ? "there are no validation images. "
        : $"of these images, {ValidationSetFraction.Name} holds rows out that only the trainer knows. ")
        + $"Name images with {Validation.Name} PATH, or make a report of the model with 'resnet report'.";

    /// <summary>Writes the report. What keeps it from being written is told, and nothing more: the model is there already.</summary>
    /// <returns>The file; <see langword="null"/> where there is none.</returns>
    private static string? Report(MLContext mlContext, TrainingWork work, ITransformer model, StagedTraining stages, string? path,
        DataPath data, string output, ParseResult options, Display display, CancellationToken cancellation)
    {
        if (path is null)
            return null;
        try
        {
            var (check, checkProblem) = QuickCheck.Of(mlContext, data, options.GetValue(Validation) is { } other ? new(other) : null,
                cancellation);
            var summary = mlContext.Model.SaveResNetReport(model, work.Validation!, path, new ResNetReportOptions
            {
                Title = $"Training on {System.IO.Path.GetFileName(data.Path)}",
                Facts = [.. Facts(work, stages, data)],
                Recipe = Kept(work, stages).Recipe,
                Stages = stages.Histories,
                KeptStage = stages.Kept,
                TrainingData = work.Train,
                DataCheck = check,
                DataCheckProblem = checkProblem,
                Command = CommandText.Of(options),
                Reproduction =
                [
                    new("Seed", $"{options.GetValue(Seed)}"),
                    new("Data", $"{data} (SHA-256 {Fingerprint.Of(data.Path, cancellation)})"),
                    new("Model", $"{output} (SHA-256 {Fingerprint.Of(output, cancellation)})"),
                ],
                Seed = options.GetValue(Seed)!.Value,
                CancellationToken = cancellation,
            });
            if (summary.BatchProblem is { } batchProblem)
                Display.Error($"The report has no training batch: {Vocabulary.Translate(batchProblem)}");
            display.Line($"Report: {path}");
            return path;
        }
        catch (Exception exception)
        {
            Display.Error($"The report was not written, and the model was: {ExpectedErrors.OneLine(exception)}");
            return null;
        }
    }

    private static TrainingStage Kept(TrainingWork work, StagedTraining stages)
        => work.Plan.Stages.Single(stage => stage.Name == stages.Kept);

    private static IEnumerable<KeyValuePair<string, string>> Facts(TrainingWork work, StagedTraining stages, DataPath data)
    {
        yield return new("Trained on", $"{data}");
        yield return new("Started from", work.Plan.From switch
        {
            null => "scratch",
            TrainingPlan.ImageNet => "ImageNet weights",
            var file => file,
        });
        foreach (var stage in work.Plan.Stages.Where(stage => stage.Name != stages.Kept))
            yield return new($"Stage '{stage.Name}'", $"{stage.Recipe}");
        if (stages.Kept.Length > 0)
            yield return new("Stage that is kept", $"'{stages.Kept}', by the recipe below");
        if (stages.Histories is [.., { Value: [.., var last] }])
            yield return new("Time", $"{last.Elapsed:h\\:mm\\:ss}{(stages.Histories.Count > 1 ? " in the last stage" : "")}, "
                + $"{last.ImagesPerSecond:f0} images a second");
    }
}
