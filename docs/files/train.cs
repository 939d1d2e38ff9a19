#!/usr/bin/env dotnet
#:package Microsoft.ML.ResNet@0.1.0
#:package TorchSharp-cpu@0.107.0
#:package Microsoft.ML.DnnImageFeaturizer.ResNet18@0.23.1
#:package Microsoft.ML.OnnxRuntime.Managed@1.31.1
#:property PublishAot=false

// Learns the classes of photos, one folder for each: dotnet run train.cs -- photos [model.zip]
// Copy it to a folder of its own; the .NET 10 SDK is all that it needs. The last package is named for its version alone: the one that
// ResNet18 asks for is not found, of which NuGet would warn (NU1603).
using Microsoft.ML;
using Microsoft.ML.ResNet;
using Microsoft.ML.Runtime;

if (args is not [var folder, ..])
{
    Console.Error.WriteLine("Expected a folder with one folder of photos for each class: dotnet run train.cs -- photos [model.zip]");
    return 2;
}
var mlContext = new MLContext(seed: 1);
mlContext.Log += (_, line) => { if (line.Kind == ChannelMessageKind.Warning) Console.Error.WriteLine(line.RawMessage); };
using var imageNet = mlContext.Model.LoadImageNetResNet18();
var photos = mlContext.Data.LoadImageFilesFromFolder(folder);
var pipeline = mlContext.Transforms.Conversion.MapValueToKey("Label")
    .Append(mlContext.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
    {
        InitialModel = imageNet.Model,
        FrozenStages = 4,
        Recipe = TrainingRecipe.LinearProbe,
        ImageGeometry = ImageGeometry.CenterCrop,
        ValidationSetFraction = 0.2,
        MetricsCallback = report => { if (report.Epoch % 10 == 0) Console.WriteLine(report); },
    }))
    .Append(mlContext.Transforms.Conversion.MapKeyToValue("PredictedLabel"));
mlContext.Model.SaveResNet(pipeline.Fit(photos), photos.Schema, args.ElementAtOrDefault(1) ?? "model.zip");
return 0;
