using System.CommandLine;
using System.Text.Json.Nodes;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet;
using Samples.CommandLine;
using Samples.Output;

namespace Samples.Verbs;

/// <summary><c>resnet train</c>: trains a network on images and saves it.</summary>
internal static partial class Train
{
    private static JsonObject Run(ParseResult options, Display display, CancellationToken cancellation)
    {
        var mlContext = new MLContext(options.GetValue(Seed));
        display.Follow(mlContext);
        OutputFile.CheckDifferent((Output.Name, options.GetValue(Output)), (History.Name, options.GetValue(History)));
        var output = OutputFile.Writable(options.GetValue(Output)!);
        var leftOut = new LeftOutFiles(display);
        var (train, validation) = LoadImages(mlContext, options, leftOut);

        // Labels become keys. The validation images need the same keys as the training images.
        using var initial = InitialModel(mlContext, options, display);
        var keys = Keys(mlContext, train, initial);
        var epochs = new EpochLines(display);
        var recipe = Recipe(options);
        var trainer = new ResNetTrainer.Options
        {
            Architecture = options.GetValue(Architecture)!,
            InitialModel = initial?.Model,
            FrozenStages = options.GetValue(Freeze),
            Recipe = recipe,
            ValidationSet = validation is null ? null : keys.Transform(validation),
            Device = options.GetValue(Device),
            CancellationToken = cancellation,
            HistoryFile = options.GetValue(History),
            TensorBoardDirectory = options.GetValue(TensorBoard),
        };
        Survive(trainer, options);
        FitMemory(trainer, options);
        using var network = epochs.During(recipe.NumberOfEpochs, report =>
        {
            trainer.MetricsCallback = report;
            trainer.Progress = epochs;
            return mlContext.MulticlassClassification.Trainers.ResNet(trainer).Fit(keys.Transform(train));
        });

        // The model is the whole chain, so that whoever loads it gives class names and gets class names.
        var names = mlContext.Transforms.Conversion.MapKeyToValue("PredictedLabel").Fit(network.Transform(keys.Transform(train)));
        var model = new TransformerChain<ITransformer>(keys, network, names);
        mlContext.Model.SaveResNet(model, train.Schema, output);

        var kept = network.TrainingHistory.Single(report => report.Epoch == network.KeptEpoch);
        var result = new JsonObject
        {
            ["model"] = output,
            ["architecture"] = network.Model.Architecture.Name,
            ["parameters"] = network.Model.ParameterCount,
            ["epoch"] = kept.Epoch,
            ["trainLoss"] = kept.TrainLoss,
            ["trainAccuracy"] = kept.TrainAccuracy,
            ["trainImagesPerSecond"] = Math.Round(epochs.ImagesPerSecond, 1),
            ["unreadable"] = leftOut.Count,
        };
        display.Line();
        if (network.InitialWeights is { } taken)
        {
            display.Line($"Weights from {options.GetValue(From)}: {taken}");
            result["initialTensors"] = taken.Matched.Count;
            result["frozenTensors"] = taken.Frozen.Count;
        }
        if (cancellation.IsCancellationRequested)
        {
            result["cancelled"] = true; // somebody is waiting for the end: the model is saved, and nothing is measured
        }
        else if (validation is not null)
        {
            var measured = Measurement.Of(mlContext, model, validation, cancellation);
            display.Line($"On the validation images, with the weights of epoch {kept.Epoch}:");
            display.Show(measured);
            measured.AddTo(result);
        }
        leftOut.Conclude();
        display.Line($"Model: {output}");
        return result;
    }

    private static (IDataView Train, IDataView? Validation) LoadImages(MLContext mlContext, ParseResult options, LeftOutFiles leftOut)
    {
        var unreadable = options.GetValue(Unreadable) ?? UnreadableImageBehavior.Throw;
        var train = new DataPath(options.GetValue(Data)!).Load(mlContext, options.GetValue(Image), unreadable, leftOut);
        var shape = ((VectorDataViewType)train.Schema[ImageColumns.Features].Type).Dimensions;
        var validation = options.GetValue(Validation) is { } path
            ? new DataPath(path).Load(mlContext, new ImageShape(shape[0], shape[1], shape[2]), unreadable, leftOut)
            : null;
        return (options.GetValue(TrainRows) is { } rows
            ? RandomRows.Take(mlContext, train, rows, options.GetValue(Seed)!.Value)
            : train, validation);
    }

    private static TrainingRecipe Recipe(ParseResult options)
    {
        var recipe = options.GetValue(RecipeName) ?? (options.GetValue(From) is null ? TrainingRecipe.Tutorial : TrainingRecipe.FineTune);
        recipe = recipe with
        {
            NumberOfEpochs = options.GetValue(Epochs) ?? recipe.NumberOfEpochs,
            BatchSize = options.GetValue(BatchSize) ?? recipe.BatchSize,
            LearningRate = options.GetValue(LearningRate) ?? recipe.LearningRate,
            MicroBatchSize = options.GetValue(MicroBatchSize) ?? recipe.MicroBatchSize,
        };
        return options.GetValue(Milestones) is { Length: > 0 } milestones
            ? recipe with { Schedule = LearningRateSchedule.MultiStepAt(recipe.NumberOfEpochs, milestones) }
            : recipe;
    }
}
