using System.CommandLine;
using System.Text.Json.Nodes;
using Microsoft.ML;
using Microsoft.ML.ResNet;
using Samples.CommandLine;
using Samples.Output;
using Samples.Runs;
using Samples.Studies;
using Samples.Training;

namespace Samples.Verbs;

/// <summary><c>resnet find-learning-rate</c>: draws loss against rate, and suggests one.</summary>
internal static class FindLearningRate
{
    private static readonly Option<double?> Least = new("--least")
    {
        Description = "The rate of the first step. [default: 0.00001]",
        HelpName = "RATE",
        CustomParser = Arguments.NumberBelow(1e6),
    };

    private static readonly Option<double?> Most = new("--most")
    {
        Description = "The rate of the last step, if the loss does not explode before. [default: 10]",
        HelpName = "RATE",
        CustomParser = Arguments.NumberBelow(1e6),
    };

    private static readonly Option<int?> Steps = new("--steps")
    {
        Description = "Steps, each with a higher rate. [default: 150]",
        HelpName = "N",
        CustomParser = Arguments.WholeNumber(least: 20),
    };

    private static readonly Option<string?> Output = new("--output")
    {
        Description = $"The folder for the page, the picture and the CSV file. [default: a new one in {RunFolder.Root}/]",
        HelpName = "FOLDER",
    };

    /// <summary>The verb with its options.</summary>
    public static Command Command()
    {
        var command = new Command("find-learning-rate", "Draws loss against rate in a short training, and suggests a rate.");
        Train.AddData(command);
        foreach (var option in (Option[])[.. Train.WhatAndWhere, Least, Most, Steps, Output])
            command.Options.Add(option);
        command.SetWork(Run);
        return command;
    }

    private static JsonObject Run(ParseResult options, Display display, CancellationToken cancellation)
    {
        var mlContext = new MLContext(Train.SeedOf(options));
        var leftOut = new LeftOutFiles(display);
        using var work = Train.Prepare(mlContext, options, display, leftOut, cancellation);
        var recipe = work.Plan.Stages[^1].Recipe;
        var usual = new LearningRateRange();
        var range = new LearningRateRange
        {
            Least = options.GetValue(Least) ?? usual.Least,
            Most = options.GetValue(Most) ?? usual.Most,
            Steps = options.GetValue(Steps) ?? usual.Steps,
        };
        if (range.Least >= range.Most)
            throw new InvalidDataException(
                $"{Least.Name} is {range.Least} and {Most.Name} {range.Most}; expected the first below the second.");
        var folder = Folder(options);
        var curve = new RangeTest(mlContext, work, Train.Trainer(options, cancellation), new EpochLines(display))
            .Run(Train.Keys(mlContext, work), range);
        leftOut.Conclude();

        LearningRatePages.Show(display, curve);
        LearningRatePages.Write(folder, curve, CommandText.Given);
        display.Line($"Page: {Path.Combine(folder, LearningRatePages.Page)}");
        return new JsonObject
        {
            ["learningRate"] = LearningRatePages.Suggested(curve),
            ["lowestUseful"] = curve.LowestUseful,
            ["highestUseful"] = curve.HighestUseful,
            ["recipeLearningRate"] = recipe.LearningRate,
            ["batchSize"] = recipe.BatchSize,
            ["steps"] = curve.Points.Count,
            ["lastRate"] = curve.Points[^1].Rate,
            ["page"] = Path.Combine(folder, LearningRatePages.Page),
            ["csv"] = Path.Combine(folder, LearningRatePages.Csv),
            ["unreadable"] = leftOut.Count,
        };
    }

    private static string Folder(ParseResult options)
    {
        var data = new DataPath(Train.PathOfData(options));
        var folder = options.GetValue(Output) ?? Path.Combine(RunFolder.Root,
            $"learning-rate-{RunFolder.NameOf(data.Path)}-{DateTime.Now:yyyyMMdd-HHmmss}");
        OutputFile.CheckOutside(Output.Name, folder, data);
        return Path.GetDirectoryName(OutputFile.Writable(Path.Combine(folder, LearningRatePages.Page)))!;
    }
}
