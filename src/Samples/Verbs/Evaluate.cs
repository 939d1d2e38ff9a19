using System.CommandLine;
using System.Text.Json.Nodes;
using Microsoft.ML;
using Microsoft.ML.ResNet;
using Samples.CommandLine;
using Samples.Measuring;
using Samples.Output;
using Samples.Runs;
using Samples.Shards;

namespace Samples.Verbs;

/// <summary><c>resnet evaluate</c>: measures a saved network on images whose class is known.</summary>
internal static class Evaluate
{
    private static readonly Option<string> Model = new("--model")
    {
        Description = "The model file that 'train' has written.",
        HelpName = "FILE",
        Required = true,
    };

    private static readonly Option<string> Data = new("--data")
    {
        Description = "The images, in the forms that 'train --data' takes.",
        HelpName = "PATH",
        Required = true,
    };

    private static readonly Option<string?> Output = new("--output")
    {
        Description = "A JSON file for the figures, with all digits, and for the confusion matrix.",
        HelpName = "FILE",
    };

    private static readonly Option<UnreadableImageBehavior?> Unreadable = UnreadableOption.Create(
        "Images that cannot be read: 'skip' leaves them out, names and counts them; 'stop' ends with 1 at the first. [default: stop]");

    /// <summary>The verb with its options.</summary>
    public static Command Command()
    {
        var command = new Command("evaluate", "Measures a saved network on images.") { Model, Data, Output, Unreadable };
        ShardOptions.AddTo(command, Output);
        command.SetWork(Run);
        return command;
    }

    private static JsonObject Run(ParseResult options, Display display, CancellationToken cancellation)
    {
        var threads = ShardOptions.ThreadsOf(options);
        var mlContext = new MLContext();
        display.Follow(mlContext);
        var data = new DataPath(options.GetValue(Data)!);
        var (modelPath, shard) = (options.GetValue(Model)!, ShardOptions.ShardOf(options, Output));
        OutputFile.CheckDifferent((Output.Name, options.GetValue(Output)), (Model.Name, modelPath), (Data.Name, data.Path));
        if (options.GetValue(Output) is { } path)
            OutputFile.CheckOutside(Output.Name, path, data);
        var output = options.GetValue(Output) is { } named ? OutputFile.Writable(ShardFile.PathOf(named, shard)) : null;
        var result = new JsonObject { ["model"] = Path.GetFullPath(modelPath) };
        var origin = shard is null ? null : Origin(options, modelPath, data, shard, cancellation);
        if (origin is not null && ShardOptions.IsFinished(options, output!, origin, display, result))
            return result;

        using var model = SavedModel.Load(mlContext, modelPath);
        var checksum = output is null ? "" : origin?.Model ?? Fingerprint.OfModel(modelPath, cancellation);
        var network = model.Network.Model;
        var leftOut = new LeftOutFiles(display);
        var images = data.Load(mlContext, network.ImageShape, network.ImageGeometry, UnreadableOf(options), leftOut, shard, threads);
        var measured = Measurement.OfPart(model.Chain, images, cancellation);
        leftOut.Conclude();
        var evaluation = Evaluation.Of(network, leftOut.Count, measured.Tally);
        result["architecture"] = evaluation.Architecture;
        result["parameters"] = evaluation.Parameters;
        result["unreadable"] = evaluation.Unreadable;
        if (origin is not null)
        {
            ShardFile.Write(output!, origin, stream =>
            {
                evaluation.Write(stream);
                return measured.Tally.Images;
            });
            display.Line($"Shard {shard}, {measured.Tally.Images} images, {measured.ImagesPerSecond:f0} a second: {output}");
            result["images"] = measured.Tally.Images;
            result["leftOut"] = measured.Tally.LeftOut;
            result["imagesPerSecond"] = Math.Round(measured.ImagesPerSecond ?? 0, 1);
            return result;
        }
        display.Show(measured.Checked());
        display.Line();
        display.ShowClasses(measured, network.ClassNames);
        if (output is not null)
        {
            OutputFile.Write(output, TextWriter.Null, text => text.WriteLine(evaluation.ToJson(checksum)));
            display.Line($"Figures: {output}");
        }
        measured.AddTo(result);
        return result;
    }

    private static UnreadableImageBehavior UnreadableOf(ParseResult options)
        => options.GetValue(Unreadable) ?? UnreadableImageBehavior.Throw;

    private static ShardOrigin Origin(ParseResult options, string model, DataPath data, ImageShard shard, CancellationToken cancellation)
        => new()
        {
            Verb = "evaluate",
            Shard = shard.Index,
            Of = shard.Count,
            Model = Fingerprint.OfModel(model, cancellation),
            Options = new(StringComparer.Ordinal)
            {
                ["part of the data"] = data.Split ?? "none",
                [Unreadable.Name] = UnreadableOption.Word(UnreadableOf(options)),
            },
            Data = ShardData.NamesOf(data),
            Content = ShardData.ContentOf(data, shard, cancellation),
        };
}
