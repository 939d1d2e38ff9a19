using System.CommandLine;
using System.Text.Json.Nodes;
using Samples.CommandLine;
using Samples.Measuring;
using Samples.Output;
using Samples.Predictions;
using Samples.Shards;

namespace Samples.Verbs;

/// <summary><c>resnet merge</c>: puts together what processes have found, each in its part of the images.</summary>
internal static class Merge
{
    private static readonly Argument<string> Output = new("OUTPUT")
    {
        Description = "The file that was named by --output to 'predict' or 'evaluate' with --shard: the parts lie beside it, and the whole "
            + "is written there, as one process would have written it.",
    };

    /// <summary>The verb with its options.</summary>
    public static Command Command()
    {
        var command = new Command("merge", "Puts together what processes have found, each in its part of the images.") { Output };
        command.SetWork(Run);
        return command;
    }

    private static JsonObject Run(ParseResult options, Display display, CancellationToken cancellation)
    {
        var output = OutputFile.Writable(options.GetValue(Output)!);
        var shards = ShardSet.Of(output);
        var result = new JsonObject
        {
            ["output"] = output,
            ["shards"] = shards.Files.Count,
            ["modelSha256"] = shards.Origin.Model,
        };
        if (shards.Origin.Verb == "predict")
            MergePredictions(shards, output, result, cancellation);
        else
            MergeEvaluations(shards, output, display, result, cancellation);
        display.Line($"Merged: {output}");
        return result;
    }

    private static void MergePredictions(ShardSet shards, string output, JsonObject result, CancellationToken cancellation)
    {
        var unreadable = new JsonArray();
        OutputFile.WriteBytes(output, stream =>
        {
            var joined = new JoinedPredictions(shards.Origin.Options.GetValueOrDefault("--format", "csv"), stream);
            foreach (var file in shards.Files)
                Reading(file, () =>
                {
                    cancellation.ThrowIfCancellationRequested();
                    using var predictions = file.OpenResults();
                    joined.Add(predictions);
                    using var notes = file.OpenNotes();
                    foreach (var one in UnreadableFiles.Read(notes))
                        unreadable.Add((JsonNode)one);
                });
            joined.End();
            if (shards.Files.Sum(file => file.Images) == 0)
                throw new InvalidDataException($"None of the {unreadable.Count} files could be read.");
        });
        result["images"] = shards.Files.Sum(file => file.Images);
        result["unreadable"] = unreadable;
    }

    private static void MergeEvaluations(ShardSet shards, string output, Display display, JsonObject result, CancellationToken cancellation)
    {
        Evaluation? all = null;
        foreach (var file in shards.Files)
            Reading(file, () =>
            {
                cancellation.ThrowIfCancellationRequested();
                using var stream = file.OpenResults();
                var part = Evaluation.Read(stream);
                all = all?.With(part) ?? part;
            });
        var measured = new Measurement(all!.Tally, null).Checked();
        OutputFile.Write(output, TextWriter.Null, text => text.WriteLine(all.ToJson(shards.Origin.Model)));

        LeftOutFiles.Conclude(display, all.Unreadable);
        display.Show(measured);
        display.Line();
        display.ShowClasses(measured, all.Classes);
        result["architecture"] = all.Architecture;
        result["parameters"] = all.Parameters;
        result["unreadable"] = all.Unreadable;
        measured.AddTo(result);
    }

    private static void Reading(ShardFile file, Action read)
    {
        try
        {
            read();
        }
        catch (Exception exception) when (exception is FormatException or ArgumentException or EndOfStreamException)
        {
            throw ShardFile.Damaged(file.Path, $"contents that are not its verb's ({exception.Message.TrimEnd('.')})", exception);
        }
    }
}
