using Microsoft.ML.ResNet.Tests.Images;
using SkiaSharp;

namespace Microsoft.ML.ResNet.Tests.Samples;

/// <summary>
/// The pipeline of docs/from-image-classification.md, compiled and run: ML.NET's own, in which the trainer is replaced and nothing else.
/// </summary>
[TestClass]
public class MigrationTests
{
    [TestMethod]
    [Timeout(300_000)]
    public void The_pipeline_of_ImageClassificationTrainer_runs_with_another_trainer()
    {
        var folder = ImageSamples.FolderOf([.. Enumerable.Range(0, 12).Select(i => ($"{i}.png", Shade(i)))]);
        ImageData[] files = [.. Enumerable.Range(0, 12).Select(i => new ImageData { ImagePath = $"{i}.png", Label = Class(i) })];

        using var model = (IDisposable)Fit(files, folder, out var predictions);

        Assert.HasCount(12, predictions);
        CollectionAssert.IsSubsetOf(predictions.Select(prediction => prediction.PredictedLabel).Distinct().ToArray(),
            new[] { "dark", "light" });
        Assert.IsTrue(predictions.All(prediction => Math.Abs(prediction.Score.Sum() - 1) < 1e-4));
        var right = predictions.Zip(files).Count(pair => pair.First.PredictedLabel == pair.Second.Label);
        Assert.IsGreaterThanOrEqualTo(10, right);
    }

    [TestMethod]
    public void The_document_shows_the_code_that_runs()
    {
        var root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "ResNetMlNet.sln")))
            root = Path.GetDirectoryName(root) ?? throw new AssertInconclusiveException("The tests run outside the repository.");
        var compiled = File.ReadAllLines(Path.Combine(root, "test", "Microsoft.ML.ResNet.Tests", "Samples", "MigrationTests.cs"))
            .SkipWhile(line => line.Trim() != "// document begins").Skip(1).TakeWhile(line => line.Trim() != "// document ends")
            .Select(line => line.Trim()).ToList();
        var document = File.ReadAllLines(Path.Combine(root, "docs", "from-image-classification.md")).Select(line => line.Trim()).ToList();

        var first = document.IndexOf(compiled[0]);
        Assert.AreNotEqual(-1, first, "the document has the first line");
        CollectionAssert.AreEqual(compiled, document.Skip(first).Take(compiled.Count).ToList());
    }

    private static ITransformer Fit(ImageData[] files, string folder, out List<ImagePrediction> predictions)
    {
        // document begins
        var mlContext = new MLContext(seed: 1);
        using var imageNet = mlContext.Model.LoadImageNetResNet18();
        IDataView images = mlContext.Data.LoadFromEnumerable(files);
        var pipeline = mlContext.Transforms.Conversion.MapValueToKey("LabelAsKey", "Label")
            .Append(mlContext.Transforms.LoadRawImageBytes("Image", folder, "ImagePath"))
            .Append(mlContext.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
            {
                LabelColumnName = "LabelAsKey",
                FeatureColumnName = "Image",
                InitialModel = imageNet.Model,
                FrozenStages = 4,
                Recipe = TrainingRecipe.LinearProbe,
                ImageGeometry = ImageGeometry.CenterCrop
            }))
            .Append(mlContext.Transforms.Conversion.MapKeyToValue("PredictedLabel"));
        ITransformer model = pipeline.Fit(images);
        // document ends
        predictions = [.. mlContext.Data.CreateEnumerable<ImagePrediction>(model.Transform(images), reuseRowObject: false)];
        return model;
    }

    private static string Class(int picture) => picture % 2 == 0 ? "dark" : "light";

    // Of sizes of their own, with some noise.
    private static byte[] Shade(int picture)
    {
        var random = new Random(picture);
        return ImageSamples.Encode(60 + picture, 50, (_, _) =>
        {
            var grey = (byte)(random.Next(60) + (picture % 2 == 0 ? 10 : 180));
            return new SKColor(grey, grey, grey);
        });
    }

    private sealed class ImageData
    {
        public string ImagePath { get; set; } = "";

        public string Label { get; set; } = "";
    }

    private sealed class ImagePrediction
    {
        public string PredictedLabel { get; set; } = "";

        public float[] Score { get; set; } = [];
    }
}
