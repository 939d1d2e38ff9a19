using System.CommandLine;
using System.Text.Json.Nodes;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet;
using Samples.CommandLine;
using Samples.Measuring;
using Samples.Output;
using Samples.Planning;
using Samples.Runs;
using Samples.Training;

namespace Samples.Verbs;

/// <summary><c>resnet train</c>: trains a network on images and saves it.</summary>
internal static partial class Train
{
    /// <summary>Trains as the options say, together with the other processes that a launcher has started.</summary>
    public static JsonObject Run(ParseResult options, Display display, CancellationToken cancellation)
        => ProcessGroup.Run(processes => processes is { Rank: > 0 }
            ? Help(options, processes, cancellation)
            : Run(options, processes, display, cancellation));

    private static JsonObject Run(ParseResult options, ProcessGroup? processes, Display display, CancellationToken cancellation)
    {
        var mlContext = new MLContext(options.GetValue(Seed));
        var leftOut = new LeftOutFiles(display);
        var (named, history, report) = (options.GetValue(Output), options.GetValue(History), options.GetValue(ReportFile));
        OutputFile.CheckDifferent((Output.Name, named), (History.Name, history), (ReportFile.Name, report),
            (Config.Name, options.GetValue(Config)));
        if (named is not null)
            named = OutputFile.Writable(named);
        if (report is not null)
            report = OutputFile.Writable(report);
        var data = new DataPath(PathOfData(options));
        foreach (var written in new[] { (Output.Name, named), (History.Name, history), (ReportFile.Name, report) })
        {
            OutputFile.CheckDifferent(("The training images", data.Path), written);
            OutputFile.CheckDifferent((Validation.Name, PathOfValidation(options)), written);
            if (written.Item1 != Output.Name) // training on may replace the model that it starts from
                OutputFile.CheckDifferent((From.Name, options.GetValue(From) is { } from && File.Exists(from) ? from : null), written);
        }
        CheckReport(report, data, options);

        // What to train on, what to start from, and how: read, found or chosen, before anything is trained.
        using var work = Prepare(mlContext, options, display, leftOut, cancellation);
        var run = named is null || options.GetValue(RunName) is not null
            ? RunFolder.Create(options.GetValue(RunName), data.Path, DateTime.Now)
            : null;
        var output = named ?? run!.Model;
        if (run is not null)
            OptionsFile.Write(run.Options, options, without: [Config, RunName], known: work.Known);

        // Labels become keys. The validation images need the same keys as the training images.
        var keys = Keys(mlContext, work.Train, work.Initial);
        var epochs = new EpochLines(display);
        var stages = new StagedTraining(mlContext, work, Trainer(options, cancellation, processes), epochs);
        using var network = stages.Fit(keys.Transform(work.Train), work.Validation is null ? null : keys.Transform(work.Validation),
            history ?? run?.History);
        processes?.Dispose(); // the others are done

        // The model is the whole chain, so that whoever loads it gives class names and gets class names.
        var names = mlContext.Transforms.Conversion.MapKeyToValue("PredictedLabel").Fit(network.Transform(keys.Transform(work.Train)));
        var model = new TransformerChain<ITransformer>(keys, network, names);
        mlContext.Model.SaveResNet(model, work.Train.Schema, output);

        var kept = network.TrainingHistory.Single(report => report.Epoch == network.KeptEpoch);
        var result = new JsonObject
        {
            ["model"] = output,
            ["run"] = run?.Path,
            ["architecture"] = network.Model.Architecture.Name,
            ["parameters"] = network.Model.ParameterCount,
            ["stage"] = stages.Kept,
            ["epoch"] = kept.Epoch,
            ["trainLoss"] = kept.TrainLoss,
            ["trainAccuracy"] = kept.TrainAccuracy,
            ["trainImagesPerSecond"] = Math.Round(epochs.ImagesPerSecond, 1),
            ["unreadable"] = leftOut.Count,
        };
        display.Line();
        stages.Problems.ForEach(Display.Error);
        if (stages.Taken is { } taken)
        {
            display.Line($"Weights from {work.Plan.From}: {taken}");
            result["initialTensors"] = taken.Matched.Count;
            result["frozenTensors"] = taken.Frozen.Count;
        }
        if (cancellation.IsCancellationRequested)
            result["cancelled"] = true; // somebody is waiting for the end: the model is saved, and nothing is measured
        else if (work.Validation is not null)
        {
            Evaluate(mlContext, work, model, kept, display, result, cancellation);
            result["report"] = Report(mlContext, work, model, stages, report ?? run?.Report, data, output, options, display, cancellation);
        }
        else if (run is not null)
            display.Line($"No report: {NothingToShow(options)}");
        leftOut.Conclude();
        display.Line($"Model: {output}");
        if (run is not null)
            display.Line($"Run: {run.Path}");
        return result;
    }

    private static void Evaluate(MLContext mlContext, TrainingWork work, ITransformer model, EpochReport kept, Display display,
        JsonObject result, CancellationToken cancellation)
    {
        if (work.EvaluatesAgain)
        {
            var measured = Measurement.Of(model, work.Validation!, cancellation);
            display.Line($"On the validation images, with the weights of epoch {kept.Epoch}:");
            display.Show(measured);
            measured.AddTo(result);
            return;
        }
        display.Line($"On the validation images, with the weights of epoch {kept.Epoch}: accuracy {kept.ValidationAccuracy:f4}, "
            + $"log loss {kept.ValidationLoss:f4}");
        result["microAccuracy"] = kept.ValidationAccuracy;
        result["logLoss"] = kept.ValidationLoss;
    }

    /// <summary>The trainer's options that hold for every stage.</summary>
    internal static ResNetTrainer.Options Trainer(ParseResult options, CancellationToken cancellation, ProcessGroup? processes = null)
    {
        var trainer = new ResNetTrainer.Options
        {
            ProcessGroup = processes,
            Device = options.GetValue(Device),
            CancellationToken = cancellation,
            TensorBoardDirectory = options.GetValue(TensorBoard),
        };
        Survive(trainer, options);
        FitMemory(trainer, options);
        return trainer;
    }

    private static TrainingWishes Wishes(ParseResult options) => new()
    {
        Architecture = options.GetValue(Architecture),
        Image = options.GetValue(Image),
        Geometry = GeometryOf(options),
        From = options.GetValue(From),
        Freeze = options.GetValue(Freeze),
        Recipe = options.GetValue(RecipeName),
        Stage = options.GetValue(Stage),
        Epochs = options.GetValue(Epochs),
        Milestones = options.GetValue(Milestones) ?? [],
        BatchSize = options.GetValue(BatchSize),
        LearningRate = options.GetValue(LearningRate),
        MicroBatchSize = options.GetValue(MicroBatchSize),
        BatchShards = options.GetValue(BatchShards),
        Augmentation = options.GetValue(Augment),
    };

    /// <summary>Images of any kind, trained on as the options say, with the library's defaults for the rest.</summary>
    private static TrainingWork AsAsked(MLContext mlContext, DataPath data, ParseResult options, Display display, LeftOutFiles leftOut)
    {
        display.Follow(mlContext);
        if (options.GetValue(Stage) is not null)
            throw new InvalidDataException(
                $"{Stage.Name} is for folders and zips of pictures of which the rest is chosen, too; this training "
                + $"has one stage. Leave it out, or leave out {Architecture.Name} and {Image.Name}.");
        var plan = Planner.AsAsked(Wishes(options));
        var unreadable = options.GetValue(Unreadable) ?? UnreadableImageBehavior.Throw;
        var train = data.Load(mlContext, options.GetValue(Image), plan.Geometry, unreadable, leftOut);
        var shape = ((VectorDataViewType)train.Schema[ImageColumns.Features].Type).Dimensions;
        var validation = options.GetValue(Validation) is { } path
            ? new DataPath(path).Load(mlContext, new ImageShape(shape[0], shape[1], shape[2]), plan.Geometry, unreadable, leftOut)
            : null;
        if (options.GetValue(TrainRows) is { } rows)
            train = RandomRows.Take(mlContext, train, rows, options.GetValue(Seed)!.Value);
        return new TrainingWork(plan, train, validation, InitialModel(mlContext, plan.From, options, display));
    }
}
