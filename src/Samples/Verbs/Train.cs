using System.CommandLine;
using System.Text.Json.Nodes;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet;
using Microsoft.ML.Transforms;
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
        var output = OutputFile.Writable(options.GetValue(Output)!);
        var (train, validation) = LoadImages(mlContext, options);

        // Labels become keys, numbered by name. The validation images need the same keys as the training images.
        var keys = mlContext.Transforms.Conversion.MapValueToKey("Label", keyOrdinality: ValueToKeyMappingEstimator.KeyOrdinality.ByValue).Fit(train);
        var epochs = new EpochLines(display);
        var trainer = new ResNetTrainer.Options
        {
            Architecture = options.GetValue(Architecture)!,
            Recipe = Recipe(options),
            ValidationSet = validation is null ? null : keys.Transform(validation),
            Device = options.GetValue(Device),
            CancellationToken = cancellation,
        };
        using var network = epochs.During(trainer.Recipe.NumberOfEpochs, report =>
        {
            trainer.EpochCallback = report;
            return mlContext.MulticlassClassification.Trainers.ResNet(trainer).Fit(keys.Transform(train));
        });

        // The model is the whole chain, so that whoever loads it gives class names and gets class names.
        var names = mlContext.Transforms.Conversion.MapKeyToValue("PredictedLabel").Fit(network.Transform(keys.Transform(train)));
        var model = new TransformerChain<ITransformer>(keys, network, names);
        mlContext.Model.Save(model, train.Schema, output);

        var result = new JsonObject
        {
            ["model"] = output,
            ["architecture"] = network.Model.Architecture.Name,
            ["parameters"] = network.Model.ParameterCount,
            ["epoch"] = epochs.Kept.Epoch,
            ["trainLoss"] = epochs.Kept.TrainLoss,
            ["trainAccuracy"] = epochs.Kept.TrainAccuracy,
            ["trainImagesPerSecond"] = Math.Round(epochs.ImagesPerSecond, 1),
        };
        display.Line();
        if (validation is not null)
        {
            var measured = Measurement.Of(mlContext, model, validation, cancellation);
            display.Line($"On the validation images, with the weights of epoch {epochs.Kept.Epoch}:");
            display.Show(measured);
            measured.AddTo(result);
        }
        display.Line($"Model: {output}");
        return result;
    }

    private static (IDataView Train, IDataView? Validation) LoadImages(MLContext mlContext, ParseResult options)
    {
        var train = new DataPath(options.GetValue(Data)!).Load(mlContext, options.GetValue(Image));
        var shape = ((VectorDataViewType)train.Schema[ImageColumns.Features].Type).Dimensions;
        var validation = options.GetValue(Validation) is { } path
            ? new DataPath(path).Load(mlContext, new ImageShape(shape[0], shape[1], shape[2]))
            : null;
        return (options.GetValue(TrainRows) is { } rows ? RandomRows.Take(mlContext, train, rows, options.GetValue(Seed)) : train, validation);
    }

    private static TrainingRecipe Recipe(ParseResult options)
    {
        var named = options.GetValue(BaseRecipe) ?? TrainingRecipe.Tutorial;
        var recipe = named with
        {
            NumberOfEpochs = options.GetValue(Epochs) ?? named.NumberOfEpochs,
            BatchSize = options.GetValue(BatchSize) ?? named.BatchSize,
            LearningRate = options.GetValue(LearningRate) ?? named.LearningRate,
        };
        return options.GetValue(Milestones) is { Length: > 0 } milestones
            ? recipe with { Schedule = LearningRateSchedule.MultiStepAt(recipe.NumberOfEpochs, milestones) }
            : recipe;
    }
}
