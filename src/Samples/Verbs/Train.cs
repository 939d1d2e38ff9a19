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
internal static class Train
{
    private static readonly Option<string> Data = new("--data") { Description = "Training images: a CIFAR .bin, a folder of them, a CIFAR .tar.gz, a folder of class folders or a .zip of it; #train or #test after it picks a part.", HelpName = "PATH", Required = true };
    private static readonly Option<string?> Validation = new("--validation") { Description = "Images to choose the best epoch by and to evaluate on, in the same forms.", HelpName = "PATH" };
    private static readonly Option<ResNetArchitecture> Architecture = new("--architecture") { Description = "The network.", HelpName = "NAME", CustomParser = Arguments.Architecture!, DefaultValueFactory = _ => ResNetArchitecture.Cifar(20) };
    private static readonly Option<int> Epochs = new("--epochs") { Description = "Passes over the training images.", HelpName = "N", DefaultValueFactory = _ => TrainingRecipe.Tutorial.NumberOfEpochs };
    private static readonly Option<int[]?> Milestones = new("--milestones") { Description = "Epochs after which the rate drops to a tenth, as in 3,4. [default: half and three quarters]", HelpName = "LIST", CustomParser = Arguments.Epochs };
    private static readonly Option<int> BatchSize = new("--batch-size") { Description = "Images in one step.", HelpName = "N", DefaultValueFactory = _ => TrainingRecipe.Tutorial.BatchSize };
    private static readonly Option<double> LearningRate = new("--learning-rate") { Description = "The rate before the first milestone.", HelpName = "RATE", DefaultValueFactory = _ => TrainingRecipe.Tutorial.LearningRate };
    private static readonly Option<int?> TrainRows = new("--train-rows") { Description = "Train on so many images only, taken at random.", HelpName = "N" };
    private static readonly Option<ImageShape?> Image = new("--image") { Description = "The shape to decode image files to. [default: the first image's]", HelpName = "3x32x32", CustomParser = Arguments.Shape };
    private static readonly Option<int> Seed = new("--seed") { Description = "Decides weights, order and augmentation.", HelpName = "S", DefaultValueFactory = _ => 1 };
    private static readonly Option<ComputeDevice> Device = new("--device") { Description = "Where to train.", HelpName = "auto|cpu|cuda", DefaultValueFactory = _ => ComputeDevice.Auto };
    private static readonly Option<string> Output = new("--output") { Description = "The model file to write.", HelpName = "FILE", DefaultValueFactory = _ => "model.zip" };

    /// <summary>The verb with its options.</summary>
    public static Command Command()
    {
        var command = new Command("train", "Trains a network on images and saves it.") { Data, Validation, Architecture, Epochs, Milestones, BatchSize, LearningRate, TrainRows, Image, Seed, Device, Output };
        command.SetWork(Run);
        return command;
    }

    private static JsonObject Run(ParseResult options, Display display, CancellationToken cancellation)
    {
        var mlContext = new MLContext(options.GetValue(Seed));
        display.Follow(mlContext);
        var output = Writable(options.GetValue(Output)!);
        var (train, validation) = LoadImages(mlContext, options);

        // Labels become keys, numbered by name. The validation images need the same keys as the training images.
        var keys = mlContext.Transforms.Conversion.MapValueToKey("Label", keyOrdinality: ValueToKeyMappingEstimator.KeyOrdinality.ByValue).Fit(train);
        var epochs = new EpochLines(display);
        var network = epochs.During(options.GetValue(Epochs), report => mlContext.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
            {
                Architecture = options.GetValue(Architecture)!,
                Recipe = Recipe(options),
                ValidationSet = validation is null ? null : keys.Transform(validation),
                Device = options.GetValue(Device),
                EpochCallback = report,
                CancellationToken = cancellation,
            })
            .Fit(keys.Transform(train)));

        // The model is the whole chain, so that whoever loads it gives class names and gets class names.
        using var disposed = network;
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
        var recipe = TrainingRecipe.Tutorial with
        {
            NumberOfEpochs = options.GetValue(Epochs),
            BatchSize = options.GetValue(BatchSize),
            LearningRate = options.GetValue(LearningRate),
        };
        return options.GetValue(Milestones) is { } milestones
            ? recipe with { Schedule = LearningRateSchedule.MultiStepAt(recipe.NumberOfEpochs, milestones) }
            : recipe;
    }

    /// <summary>Finds out before training, not after it, whether the model can be written.</summary>
    private static string Writable(string path)
    {
        path = Path.GetFullPath(path);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using (File.Open(path, FileMode.OpenOrCreate, FileAccess.Write))
            return path;
    }
}
