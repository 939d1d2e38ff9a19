using System.CommandLine;
using Microsoft.ML;
using Microsoft.ML.ResNet;
using Samples.Output;
using Samples.Training;

namespace Samples.Verbs;

/// <content>What other verbs that train take of this one.</content>
internal static partial class Train
{
    /// <summary>Options that say what is trained on what, and where it is computed; they mean the same on every verb.</summary>
    public static Option[] WhatAndWhere =>
    [
        Architecture, From, Classes, Freeze, Stage, RecipeName, BatchSize, Augment, TrainRows, Image, Geometry, Orientation, Interpolation,
        Unreadable, Seed, Device, MicroBatchSize, ImageMemory, Spill,
    ];

    /// <summary>Options that say the same of every training of a study.</summary>
    public static Option[] OfEveryCell =>
    [
        Validation, ValidationSetFraction, UnknownClasses, RecipeName, LearningRate, Augment, TrainRows, Image, Geometry, Orientation,
        Interpolation, Unreadable, Device, MicroBatchSize, ImageMemory, Spill, CheckpointInterval,
    ];

    /// <summary>Reads the command line of a training.</summary>
    /// <param name="words">What stands behind the verb.</param>
    /// <exception cref="InvalidDataException">It is none.</exception>
    public static ParseResult Parse(IReadOnlyList<string> words)
    {
        var parsed = Command().Parse(words);
        return parsed.Errors.Count == 0 ? parsed : throw new InvalidDataException(parsed.Errors[0].Message);
    }

    /// <summary>Whether it is said what to validate on.</summary>
    public static bool HoldsOut(ParseResult options)
        => options.GetResult(Validation) is not null || options.GetResult(ValidationSetFraction) is not null;

    /// <summary>Whether it is said how often to keep the state within an epoch.</summary>
    public static bool KeepsCheckpointsEvery(ParseResult options) => options.GetResult(CheckpointInterval) is not null;

    /// <summary>Adds the images to a verb, by name or by <c>--data</c>.</summary>
    public static void AddData(Command command)
    {
        command.Arguments.Add(Pictures);
        command.Options.Add(Data);
        command.Validators.Add(parsed =>
        {
            if (parsed.GetResult(Pictures) is { Tokens.Count: > 0 } == parsed.GetResult(Data) is not null)
                parsed.AddError(parsed.GetResult(Data) is null
                    ? $"Nothing to train on: expected the PATH of a folder or .zip of pictures, or {Data.Name} PATH."
                    : $"Two things to train on: expected PATH or {Data.Name}, found both.");
        });
    }

    /// <summary>The path of the images.</summary>
    public static string PathOfData(ParseResult options) => (options.GetValue(Pictures) ?? options.GetValue(Data))!;

    /// <summary>The path of the images to validate on, where they are named.</summary>
    public static string? PathOfValidation(ParseResult options)
        => options.GetValue(Validation) is { } path ? new DataPath(path).Path : null;

    /// <summary>What decides weights, order and everything else that is drawn.</summary>
    public static int SeedOf(ParseResult options) => options.GetValue(Seed)!.Value;

    /// <summary>Makes the labels of a work keys.</summary>
    public static ITransformer Keys(MLContext mlContext, TrainingWork work) => Keys(mlContext, work.Train, work.Initial);

    /// <summary>Finds, reads or chooses what to train on, what to start from, and how.</summary>
    public static TrainingWork Prepare(MLContext mlContext, ParseResult options, Display display, LeftOutFiles leftOut,
        CancellationToken cancellation)
    {
        ResNetRuntime.EnsureStarted(); // or says that there is no libtorch, before thousands of pictures are looked at
        var data = new DataPath(PathOfData(options));
        return IsPictures(data, options)
            ? PicturesFor(mlContext, data, options, display, leftOut, cancellation)
            : AsAsked(mlContext, data, options, display, leftOut);
    }
}
