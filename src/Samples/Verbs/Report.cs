using System.CommandLine;
using System.Text.Json.Nodes;
using Microsoft.ML;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Reports;
using Samples.CommandLine;
using Samples.Output;
using Samples.Pictures;
using Samples.Runs;

namespace Samples.Verbs;

/// <summary><c>resnet report</c>: shows how good a saved network is on images whose class is known, as one page.</summary>
internal static class Report
{
    private static readonly Option<string> Model = new("--model")
    {
        Description = "The model file that 'train' has written.",
        HelpName = "FILE",
        Required = true,
    };

    private static readonly Option<string> Data = new("--data")
    {
        Description = "Images that it has not learnt from, in the forms that 'train --data' takes; where there are train and val, those of "
            + "val.",
        HelpName = "PATH",
        Required = true,
    };

    private static readonly Option<string> Output = new("--output")
    {
        Description = "The page to write: one HTML file that needs no other, of up to 5 MB.",
        HelpName = "FILE",
        DefaultValueFactory = _ => "report.html",
    };

    /// <summary>The verb with its options.</summary>
    public static Command Command()
    {
        var command = new Command("report", "Shows how good a saved network is, as a page.") { Model, Data, Output };
        command.SetWork(Run);
        return command;
    }

    private static JsonObject Run(ParseResult options, Display display, CancellationToken cancellation)
    {
        var mlContext = new MLContext(seed: 1);
        display.Follow(mlContext);
        var data = new DataPath(options.GetValue(Data)!);
        OutputFile.CheckDifferent((Output.Name, options.GetValue(Output)), (Model.Name, options.GetValue(Model)), (Data.Name, data.Path));
        var output = OutputFile.Writable(options.GetValue(Output)!);
        using var model = SavedModel.Load(mlContext, options.GetValue(Model)!);
        var (check, checkProblem) = QuickCheck.Of(mlContext, data, null, cancellation);
        var summary = mlContext.Model.SaveResNetReport(model.Chain, Images(mlContext, data, model, display), output,
            new ResNetReportOptions
            {
                Title = $"{Path.GetFileName(model.Path)} on {Path.GetFileName(data.Path)}",
                DataCheck = check,
                DataCheckProblem = checkProblem,
                Command = CommandOf(model.Path),
                Reproduction =
                [
                    new("Measured by", CommandText.Of(options)),
                    new("Data", $"{data} (SHA-256 {Fingerprint.Of(data.Path, cancellation)})"),
                    new("Model", $"{model.Path} (SHA-256 {Fingerprint.Of(model.Path, cancellation)})"),
                ],
                CancellationToken = cancellation,
            });

        display.Line($"accuracy           {summary.Accuracy:f4}   ({summary.AccuracyLow:f4} to {summary.AccuracyHigh:f4} with 95 % "
            + $"confidence, of {summary.ImageCount} images)");
        display.Line($"most frequent      {summary.TrivialAccuracy:f4}   (of a classifier that always says the most frequent class)");
        display.Line($"log loss           {summary.LogLoss:f4}   (nats)");
        display.Line($"calibration error  {summary.CalibrationError:f4}   (expected, in 15 bins)");
        if (summary.UnknownClassCount > 0)
            display.Line($"left out           {summary.UnknownClassCount}   (images of classes that the model does not know)");
        if (summary.UnreadableCount > 0)
            display.Line($"left out           {summary.UnreadableCount}   (images that cannot be read)");
        display.Line($"Report: {output}");
        return new JsonObject
        {
            ["report"] = output,
            ["model"] = model.Path,
            ["images"] = summary.ImageCount,
            ["microAccuracy"] = summary.Accuracy,
            ["microAccuracyLow"] = summary.AccuracyLow,
            ["microAccuracyHigh"] = summary.AccuracyHigh,
            ["macroAccuracy"] = summary.MacroAccuracy,
            ["trivialAccuracy"] = summary.TrivialAccuracy,
            ["logLoss"] = summary.LogLoss,
            ["calibrationError"] = summary.CalibrationError,
            ["leftOut"] = summary.UnknownClassCount,
            ["unreadable"] = summary.UnreadableCount,
        };
    }

    private static IDataView Images(MLContext mlContext, DataPath data, SavedModel model, Display display)
    {
        var network = model.Network.Model;
        if (!data.IsPictures)
            return data.Load(mlContext, network.ImageShape, network.ImageGeometry, UnreadableImageBehavior.Skip, new LeftOutFiles(display));
        var parts = PictureParts.Of(PictureSource.Of(data.Path), data.Split);
        if (parts.ValidationFolder is { } folder)
            display.Line($"Pictures: those in {folder}");
        return new PictureRows(parts.Validation ?? parts.Train).Load(mlContext);
    }

    // Beside a model in a run's folder lie the options that trained it.
    private static string? CommandOf(string model)
        => Path.Combine(Path.GetDirectoryName(model)!, "options.json") is var file && File.Exists(file)
            ? $"resnet train --config {file}"
            : null;
}
