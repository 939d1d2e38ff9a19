using System.CommandLine;
using System.Text.Json.Nodes;
using Microsoft.ML;
using Microsoft.ML.ResNet;
using Samples.CommandLine;
using Samples.Measuring;
using Samples.Output;
using Samples.Predictions;
using Samples.Synthetic;

namespace Samples.Verbs;

/// <summary>
/// The whole path on one page: images in, train, evaluate, save, load as another program would, predict. It needs no data: it draws
/// pictures of ten kinds, in CIFAR-10's format. Ends in about a minute on two cores; the same seed gives the same network.
/// </summary>
internal static class MainJob
{
    private const int Seed = 1;
    private const int TrainImages = 4000, TestImages = 1000;
    private const int Epochs = 6;

    /// <summary>Makes this what the command does without a verb.</summary>
    public static void Describe(Command root) => root.SetWork((_, display, cancellation) => Run(display, cancellation));

    // Started by mpirun, all processes train the network together, and the first does the rest.
    private static JsonObject Run(Display display, CancellationToken cancellation) => ProcessGroup.Run(processes =>
    {
        if (processes is not { Rank: > 0 })
            return Run(processes, display, cancellation);
        Console.SetOut(TextWriter.Null);
        return Run(processes, new Display($"rank {processes.Rank}"), cancellation);
    });

    private static JsonObject Run(ProcessGroup? processes, Display display, CancellationToken cancellation)
    {
        ResNetRuntime.EnsureStarted(); // or says that there is no libtorch

        // 1. Images: 3x32x32 bytes each, with the class name as label. Loading is lazy.
        var folder = Directory.CreateTempSubdirectory("resnet-").FullName;
        FigureSet.Write(folder, TrainImages, TestImages, Seed);
        display.Line($"Drew {TrainImages} training and {TestImages} test images of {Figures.All.Count} classes in {folder}");

        var mlContext = new MLContext(Seed);
        display.Follow(mlContext);
        var train = mlContext.Data.LoadFromCifarBinary(folder);
        var test = mlContext.Data.LoadFromCifarBinary(new CifarBinaryOptions { Split = CifarSplit.Test }, folder);

        // 2. Train: an ordinary ML.NET pipeline. Labels become keys, and the predicted key becomes a class name again.
        var epochs = new EpochLines(display);
        using var model = epochs.During(Epochs, report => mlContext.Transforms.Conversion.MapValueToKey("Label")
            .Append(mlContext.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
            {
                Architecture = ResNetArchitecture.Cifar(8),
                Recipe = TrainingRecipe.Tutorial with
                {
                    NumberOfEpochs = Epochs,
                    BatchSize = 64,
                    Augmentation = [new RandomCrop(2), new HorizontalFlip()]
                },
                Device = ComputeDevice.Cpu, // the same figures on every machine of a kind
                MetricsCallback = report,
                Progress = epochs,
                CancellationToken = cancellation,
                ProcessGroup = processes,
            }))
            .Append(mlContext.Transforms.Conversion.MapKeyToValue("PredictedLabel"))
            .Fit(train));

        processes?.Dispose(); // the others are done
        if (processes is { Rank: > 0 })
        {
            Directory.Delete(folder, recursive: true);
            return [];
        }

        // 3. Evaluate on images that training has not seen.
        var measured = Measurement.Of(model, test, cancellation);
        display.Line();
        display.Show(measured);

        // 4. Save: one file holds the network, its classes and the shape of its images.
        var path = Path.Combine(folder, "model.zip");
        mlContext.Model.SaveResNet(model, train.Schema, path);

        // 5. Load and predict, as another program would: it needs the file and the package, nothing else.
        Predict(display, path, test);
        display.Line();
        display.Line($"Model: {path}");

        var network = model.FindResNet()!.Model;
        var result = new JsonObject
        {
            ["model"] = path,
            ["data"] = folder,
            ["architecture"] = network.Architecture.Name,
            ["parameters"] = network.ParameterCount,
            ["trainImagesPerSecond"] = Math.Round(epochs.ImagesPerSecond, 1),
        };
        measured.AddTo(result);
        return result;
    }

    private static void Predict(Display display, string path, IDataView test)
    {
        var mlContext = new MLContext();
        using var saved = SavedModel.Load(mlContext, path);
        using var engine = mlContext.Model.CreatePredictionEngine<ImageRow, NamedPrediction>(saved.Chain, new PredictionEngineOptions
        {
            InputSchemaDefinition = ImageRow.SchemaFor(saved.Network),
            OwnsTransformer = false,
        });

        display.Line();
        display.Line("The saved model says of some test images:");
        foreach (var image in mlContext.Data.CreateEnumerable<ImageRow>(mlContext.Data.TakeRows(test, 5), reuseRowObject: false))
        {
            var prediction = engine.Predict(image);
            display.Line($"  {image.Label,-20} -> {prediction.PredictedLabel,-20} {prediction.Score.Max():p1}");
        }
    }

    private sealed class NamedPrediction : Prediction
    {
        public string PredictedLabel { get; set; } = "";
    }
}
