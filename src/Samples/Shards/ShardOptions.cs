using System.CommandLine;
using System.Text.Json.Nodes;
using Microsoft.ML.ResNet;
using Samples.CommandLine;
using Samples.Output;

namespace Samples.Shards;

/// <summary>The options of verbs whose work processes can share, each leaving a <see cref="ShardFile"/> beside the output.</summary>
internal static class ShardOptions
{
    private static readonly Option<ImageShard?> Shard = new("--shard")
    {
        Description = "Score one of N parts of the images, I from 0 to N-1, and leave it beside --output, for 'merge'; a part that is "
            + "finished is not scored again. [default: the rank and size of a process that mpirun, srun or torchrun has started; else all]",
        HelpName = "I/N",
        CustomParser = Arguments.Shard,
    };

    private static readonly Option<bool> Overwrite = new("--overwrite")
    {
        Description = "Score a part again even if it is finished.",
    };

    private static readonly Option<int?> Threads = new("--threads")
    {
        Description = "Threads that decode and score. [default: one for each processor]",
        HelpName = "N",
        CustomParser = Arguments.WholeNumber(least: 1),
    };

    /// <summary>Gives a verb the options.</summary>
    /// <param name="command">The verb.</param>
    /// <param name="output">Its option for the whole output.</param>
    public static void AddTo(Command command, Option<string?> output)
    {
        command.Add(Shard);
        command.Add(Overwrite);
        command.Add(Threads);
        command.Validators.Add(parsed =>
        {
            if (parsed.GetResult(Shard) is { Tokens.Count: > 0 } && parsed.GetResult(output) is null)
                parsed.AddError(
                    $"{Shard.Name} leaves a part of the results in a file; expected {output.Name} FILE, beside which it lies.");
        });
    }

    /// <summary>The part that this process scores; <see langword="null"/> for all images.</summary>
    /// <param name="options">What was given.</param>
    /// <param name="output">The verb's option for the whole output.</param>
    /// <exception cref="InvalidDataException">A launcher has started several processes, which have no file to leave parts in.</exception>
    public static ImageShard? ShardOf(ParseResult options, Option<string?> output)
    {
        if (options.GetValue(Shard) is { } shard || ProcessLaunch.Find() is not { Size: > 1 } launch)
            return options.GetValue(Shard);
        return options.GetResult(output) is null
            ? throw new InvalidDataException(
                $"This process is {launch}, and scores a part of the images; expected {output.Name} FILE, beside which it "
                + $"leaves that, or {Shard.Name} 0/1 to score all of them.")
            : new(launch.Rank, launch.Size);
    }

    /// <summary>
    /// How many threads decode and score; <see langword="null"/> for as many as there are processors. Sets the library up.
    /// </summary>
    public static int? ThreadsOf(ParseResult options)
    {
        if (options.GetValue(Threads) is not { } threads)
            return null;
        ResNetRuntime.Configure(ResNetRuntime.Options with { Threads = threads });
        return threads;
    }

    /// <summary>Whether a part is finished; then it says so.</summary>
    /// <param name="options">What was given.</param>
    /// <param name="path">The part's file.</param>
    /// <param name="origin">What it should belong to.</param>
    /// <param name="display">Where to say so.</param>
    /// <param name="result">Gets the same for machines.</param>
    /// <exception cref="InvalidDataException">The file is damaged, or of another model, other images or options.</exception>
    public static bool IsFinished(ParseResult options, string path, ShardOrigin origin, Display display, JsonObject result)
    {
        result["shard"] = $"{origin.Part}";
        result["output"] = path;
        result["finishedBefore"] = false;
        if (options.GetValue(Overwrite) || !File.Exists(path))
            return false;
        var file = ShardFile.Open(path);
        if (file.Origin.Part != origin.Part)
            throw new InvalidDataException(
                $"'{path}' is shard {file.Origin.Part}, not {origin.Part}: it was given another name. Delete it.");
        if (origin.DifferenceOfSame(file.Origin) is { } difference)
            throw new InvalidDataException(
                $"'{path}' is finished, but of {difference}. Choose another --output, or pass --overwrite to score it again.");
        display.Line($"Shard {origin.Part} was finished before: {path}");
        result["finishedBefore"] = true;
        result["images"] = file.Images;
        return true;
    }
}
