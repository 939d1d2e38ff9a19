using System.CommandLine;
using System.Text.Json.Nodes;
using Microsoft.ML;
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

    /// <summary>The verb with its options.</summary>
    public static Command Command()
    {
        var command = new Command("predict", "Tells what is on image files.") { Model, Images };
        command.SetWork(Run);
        return command;
    }

    private static JsonObject Run(ParseResult options, Display display, CancellationToken cancellation)
    {
        var mlContext = new MLContext();
        using var model = SavedModel.Load(mlContext, options.GetValue(Model)!);
        var network = model.Network.Model;

        // Rows without a label: the model's first step finds no key for it, and the network does not ask.
        var files = options.GetValue(Images)!.Select(Path.GetFullPath).ToList();
        var rows = files.Select(file => new ImageRow { Features = ImageFile.Read(file, network.ImageShape) }).ToList();
        var data = mlContext.Data.LoadFromEnumerable(rows, ImageRow.SchemaFor(model.Network));
        var predictions = mlContext.Data.CreateEnumerable<Prediction>(model.Chain.Transform(data), reuseRowObject: false);

        var table = Display.NewTable(
            texts: ["image", .. Enumerable.Range(1, Math.Min(Top, network.ClassNames.Count)).Select(place => $"class {place}")]);
        var results = new JsonArray();
        foreach (var (file, prediction) in files.Zip(predictions))
        {
            cancellation.ThrowIfCancellationRequested();
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
        display.Table(table);
        return new JsonObject { ["model"] = model.Path, ["architecture"] = network.Architecture.Name, ["predictions"] = results };
    }
}
