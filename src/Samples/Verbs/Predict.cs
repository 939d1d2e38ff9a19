using System.CommandLine;
using System.Text.Json.Nodes;
using Microsoft.ML;
using Microsoft.ML.ResNet;
using Samples.CommandLine;
using Samples.Output;
using Spectre.Console;

namespace Samples.Verbs;

/// <summary><c>resnet predict</c>: tells what is on image files of any size.</summary>
internal static class Predict
{
    private const int Top = 3; // classes to show

    private static readonly Option<string> Model = new("--model")
    {
        Description = "The model file that 'train' has written.",
        HelpName = "FILE",
        Required = true,
    };

    private static readonly Argument<string[]> Images = new("IMAGE")
    {
        Description = "Image files: JPEG, PNG, WebP, GIF, BMP.",
        Arity = ArgumentArity.OneOrMore,
    };

    private static readonly Option<UnreadableImageBehavior?> Unreadable = UnreadableOption.Create(
        "Files that cannot be read: 'skip' names them on standard error, goes on, and ends with 1 only if none could be read; 'stop' ends "
        + "with 1 at the first. [default: skip]");

    /// <summary>The verb with its options.</summary>
    public static Command Command()
    {
        var command = new Command("predict", "Tells what is on image files.") { Model, Images, Unreadable };
        command.SetWork(Run);
        return command;
    }

    private static JsonObject Run(ParseResult options, Display display, CancellationToken cancellation)
    {
        var mlContext = new MLContext();
        using var model = SavedModel.Load(mlContext, options.GetValue(Model)!);
        var network = model.Network.Model;
        var files = options.GetValue(Images)!.Select(Path.GetFullPath).ToList();

        var table = Display.NewTable(
            texts: ["image", .. Enumerable.Range(1, Math.Min(Top, network.ClassNames.Count)).Select(place => $"class {place}")]);
        var results = new JsonArray();
        var unreadable = new JsonArray();
        foreach (var (file, (prediction, problem)) in files.Zip(new ImageFiles(mlContext, model.Chain).Predict(files)))
        {
            cancellation.ThrowIfCancellationRequested();
            if (prediction is null)
            {
                if (files.Count == 1 || options.GetValue(Unreadable) == UnreadableImageBehavior.Throw)
                    throw new InvalidDataException($"{file}: {problem}.");
                Display.Error($"{file}: {problem}.");
                unreadable.Add(new JsonObject { ["image"] = file, ["problem"] = problem });
                continue;
            }
            var best = network.ClassNames.Zip(prediction.Score, (name, probability) => (Name: name, Probability: probability))
                .OrderByDescending(answer => answer.Probability).Take(Top).ToList();
            table.AddRow([new Text(file), .. best.Select(answer => new Text($"{answer.Name} {answer.Probability * 100:f1} %"))]);
            results.Add(new JsonObject
            {
                ["image"] = file,
                ["class"] = prediction.PredictedLabel,
                ["probabilities"] = new JsonObject(best.Select(answer => KeyValuePair.Create(answer.Name, (JsonNode?)answer.Probability))),
            });
        }
        if (results.Count == 0)
            throw new InvalidDataException($"None of the {files.Count} files could be read.");

        display.Table(table);
        return new JsonObject
        {
            ["model"] = model.Path,
            ["architecture"] = network.Architecture.Name,
            ["predictions"] = results,
            ["unreadable"] = unreadable
        };
    }
}
