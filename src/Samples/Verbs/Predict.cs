using System.CommandLine;
using System.Text.Json.Nodes;
using Microsoft.ML;
using Microsoft.ML.ResNet;
using Samples.CommandLine;
using Samples.Output;
using Samples.Predictions;
using Samples.Runs;
using Samples.Shards;

namespace Samples.Verbs;

/// <summary><c>resnet predict</c>: tells what is on image files of any size.</summary>
internal static class Predict
{
    private const int MostNamed = 20; // files that cannot be read; a broken disk has thousands

    private static readonly Argument<string[]> Paths = new("MODEL-and-IMAGES")
    {
        Description = "The model file that 'train' has written, unless --model names it; then image files, folders, and patterns such as "
            + "'photos/**/*.jpg'.",
        HelpName = "[MODEL] IMAGE",
        Arity = ArgumentArity.OneOrMore,
    };

    private static readonly Option<string?> Model = new("--model")
    {
        Description = "The model file; everything else is then an image.",
        HelpName = "FILE",
    };

    private static readonly Option<int> Top = new("--top")
    {
        Description = "How many classes to tell, the likeliest first.",
        HelpName = "K",
        CustomParser = argument => Arguments.WholeNumber(least: 1)(argument) ?? 1,
        DefaultValueFactory = _ => 3,
    };

    private static readonly Option<string> Format = new("--format")
    {
        Description = "How to write them; 'csv' and 'json' with all digits. [default: table; csv with --output]",
        HelpName = string.Join('|', PredictionWriter.Formats),
        CustomParser = Arguments.OneOf([.. PredictionWriter.Formats.Select(format => (format, format))]),
    };

    private static readonly Option<string?> Output = new("--output")
    {
        Description = "The file to write them to. [default: standard output]",
        HelpName = "FILE",
    };

    private static readonly Option<UnreadableImageBehavior?> Unreadable = UnreadableOption.Create(
        "Files that cannot be read: 'skip' names them on standard error, goes on, and ends with 1 only if none could be read; 'stop' ends "
        + "with 1 at the first. [default: skip]");

    /// <summary>The verb with its options.</summary>
    public static Command Command()
    {
        var command = new Command("predict", "Tells what is on image files.") { Paths, Model, Top, Format, Output, Unreadable };
        command.Validators.Add(parsed =>
        {
            if (parsed.GetResult(Model) is null && parsed.GetResult(Paths) is { Tokens.Count: 1 })
                parsed.AddError("No image: expected MODEL IMAGE..., or --model MODEL IMAGE....");
            if (parsed.GetResult(Output) is not null && parsed.GetValue(Format) is "table")
                parsed.AddError("--format is 'table'; expected csv or json for a file.");
        });
        ShardOptions.AddTo(command, Output);
        command.SetWork(Run);
        return command;
    }

    private static JsonObject Run(ParseResult options, Display display, CancellationToken cancellation)
    {
        ShardOptions.ThreadsOf(options);
        var mlContext = new MLContext();
        var paths = options.GetValue(Paths)!;
        var (modelPath, images) = options.GetValue(Model) is { } named ? (named, paths) : (paths[0], paths[1..]);
        OutputFile.CheckDifferent(("The model", modelPath), (Output.Name, options.GetValue(Output)));
        var shard = ShardOptions.ShardOf(options, Output);
        var output = options.GetValue(Output) is { } path ? OutputFile.Writable(ShardFile.PathOf(path, shard)) : null;
        var all = InputFiles.Find(images).ToList();
        if (options.GetValue(Output) is { } whole && all.Find(file => Path.GetFullPath(file) is var full
            && (full == output || full == Path.GetFullPath(whole))) is { } image)
            throw new IOException($"{Output.Name} is '{image}', which is one of the images; expected a file that is none.");
        var files = shard?.RangeOf(all.Count) is var (first, end) ? all[(int)first..(int)end] : all;
        var result = new JsonObject { ["model"] = Path.GetFullPath(modelPath) };
        var origin = shard is null ? null : Origin(options, modelPath, shard, all, files, cancellation);
        if (origin is not null && ShardOptions.IsFinished(options, output!, origin, display, result))
            return result;

        using var model = SavedModel.Load(mlContext, modelPath);
        result["model"] = model.Path;
        result["architecture"] = model.Network.Model.Architecture.Name;
        result["predictions"] = new JsonArray();
        result["unreadable"] = new JsonArray();
        var top = Math.Min(options.GetValue(Top), model.Network.Model.ClassNames.Count);
        if (origin is null)
            OutputFile.Write(output, display.Writer, Write);
        else
            ShardFile.Write(output!, origin, WriteResults, stream => UnreadableFiles.Write(stream, result["unreadable"]!.AsArray()));
        if (output is not null)
            display.Line($"Predictions: {output}");
        return result;

        long WriteResults(Stream stream)
        {
            using var text = new StreamWriter(stream, leaveOpen: true);
            Write(text);
            return result["images"]!.GetValue<int>();
        }

        void Write(TextWriter text)
        {
            var writer = PredictionWriter.Create(FormatOf(options), text, display, top);
            var predicted = new ImageFiles(mlContext, model.Chain).Predict(files);
            foreach (var (file, answers) in Readable(predicted, model.Network.Model, options, files.Count, all.Count, result))
            {
                cancellation.ThrowIfCancellationRequested();
                writer.Add(file, answers[..top]);
                if (options.WantsJson())
                    result["predictions"]!.AsArray().Add((JsonNode)ToJson(file, answers[..top]));
            }
            writer.End();
        }
    }

    private static string FormatOf(ParseResult options)
        => options.GetValue(Format) ?? (options.GetValue(Output) is null ? "table" : "csv");

    private static ShardOrigin Origin(ParseResult options, string model, ImageShard shard, List<string> all, List<string> files,
        CancellationToken cancellation) => new()
        {
            Verb = "predict",
            Shard = shard.Index,
            Of = shard.Count,
            Model = Fingerprint.OfModel(model, cancellation),
            Options = new(StringComparer.Ordinal)
            {
                [Format.Name] = FormatOf(options),
                [Top.Name] = FormattableString.Invariant($"{options.GetValue(Top)}"),
                [Unreadable.Name] = UnreadableOption.Word(options.GetValue(Unreadable) ?? UnreadableImageBehavior.Skip),
            },
            Data = Fingerprint.OfLines(all),
            Content = Fingerprint.OfFiles(files, cancellation),
        };

    /// <summary>The images with the classes, the likeliest first. Files that cannot be read are named, counted and left out.</summary>
    /// <exception cref="InvalidDataException">None can be read, or not the only one; or one cannot that is to stop everything.</exception>
    private static IEnumerable<(string File, Answer[] Answers)> Readable(
        IEnumerable<(string File, Prediction? Prediction, string? Problem)> predicted, ResNetModelParameters network, ParseResult options,
        int files, int all, JsonObject result)
    {
        var unreadable = result["unreadable"]!.AsArray();
        foreach (var (file, prediction, problem) in predicted)
        {
            if (prediction is not null)
            {
                yield return (file, [.. network.ClassNames.Zip(prediction.Score, (name, probability) => new Answer(name, probability))
                    .OrderByDescending(answer => answer.Probability)]);
                continue;
            }
            if (all == 1 || options.GetValue(Unreadable) == UnreadableImageBehavior.Throw)
                throw new InvalidDataException($"{file}: {problem}.");
            if (unreadable.Count < MostNamed)
                Display.Error($"{file}: {problem}.");
            unreadable.Add((JsonNode)new JsonObject { ["image"] = file, ["problem"] = problem });
        }
        result["images"] = files - unreadable.Count;
        if (files == unreadable.Count && files == all) // in a part of the files, there may be none
            throw new InvalidDataException($"None of the {files} files could be read.");
        if (unreadable.Count > MostNamed)
            Display.Error($"Left out because they cannot be read: {unreadable.Count} files.");
    }

    private static JsonObject ToJson(string file, Answer[] answers) => new()
    {
        ["image"] = file,
        ["class"] = answers[0].Class,
        ["probabilities"] = new JsonObject(answers.Select(answer => KeyValuePair.Create(answer.Class, (JsonNode?)answer.Probability))),
    };
}
