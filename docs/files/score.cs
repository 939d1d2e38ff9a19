#!/usr/bin/env dotnet
#:package Microsoft.ML.ResNet@0.1.0
#:property PublishAot=false

// Tells what is on pictures, without libtorch: dotnet run score.cs -- model.zip a.jpg b.jpg
// Copy it to a folder of its own; the .NET 10 SDK is all that it needs.
using Microsoft.ML;
using Microsoft.ML.ResNet;

if (args is not [var model, _, ..])
{
    Console.Error.WriteLine("Expected a model and pictures: dotnet run score.cs -- model.zip a.jpg b.jpg");
    return 2;
}
ImageClassifier classifier;
try
{
    classifier = new MLContext().Model.LoadImageClassifier(model);
}
catch (Exception e) when (e is ModelFormatException or IOException or UnauthorizedAccessException or NotSupportedException)
{
    Console.Error.WriteLine($"{model}: {e.Message}");
    return 1;
}
using var _ = classifier;
var status = 0;
foreach (var file in args.Skip(1))
{
    var prediction = classifier.Predict(file, new ImagePredictionOptions { Top = 3 });
    if (prediction.IsReadable)
    {
        Console.WriteLine($"{file}: {string.Join(", ", prediction.Top.Select(one => $"{one.Name} {one.Probability:p1}"))}");
        continue;
    }
    Console.Error.WriteLine($"{file}: {prediction.Problem}");
    status = 1;
}
return status;
