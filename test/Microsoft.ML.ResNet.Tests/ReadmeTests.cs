using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Tests.Images;
using Microsoft.ML.ResNet.Tests.Samples;
using Microsoft.ML.ResNet.Tests.Support;

namespace Microsoft.ML.ResNet.Tests;

/// <summary>
/// The README's first lines, compiled and run. CIFAR's train a smaller network for fewer epochs here; everything else is to the letter.
/// </summary>
[TestClass]
public class ReadmeTests
{
    [TestMethod]
    public void The_ten_lines_run_as_they_are_written()
    {
        var (trainFiles, testFile) = (new[] { Write("data_batch_1.bin", 60), Write("data_batch_2.bin", 60) }, Write("test_batch.bin", 40));
        var folder = Directory.CreateDirectory(Path.Combine(TestAssembly.TemporaryFolder, "readme")).FullName;

        var metrics = TenLines(trainFiles, testFile, Path.Combine(folder, "model.zip"));

        Assert.AreEqual(10, metrics.PerClassLogLoss.Count);
        Assert.IsInRange(0, 1, metrics.MicroAccuracy);
        Assert.IsNotNull(new MLContext().Model.Load(Path.Combine(folder, "model.zip"), out _));
    }

    [TestMethod]
    [Timeout(300_000)]
    public void The_lines_for_photos_run_as_they_are_written()
    {
        var folder = ImageSamples.FolderOf([.. Enumerable.Range(0, 12).Select(i => ($"{(i % 2 == 0 ? "dark" : "light")}/{i}.png",
            ImageSamples.Plain((byte)(i % 2 == 0 ? 20 + i : 220 - i), width: 40 + i, height: 30)))]);
        var modelPath = Path.Combine(ImageSamples.NewFolder(), "photos.zip");

        PhotoLines(folder, modelPath);

        var mlContext = new MLContext();
        using var network = mlContext.Model.LoadResNet(modelPath, out _).FindResNet()!;
        CollectionAssert.AreEqual(new[] { "dark", "light" }, network.Model.ClassNames.ToArray());
        Assert.AreEqual(new ImageShape(3, 224, 224), network.Model.ImageShape);
        Assert.AreEqual(ImageGeometry.CenterCrop, network.Model.ImageGeometry);
    }

    [TestMethod]
    [Timeout(300_000)]
    public void The_lines_for_images_of_ones_own_end_in_a_file_that_everything_takes_as_it_is()
    {
        var folder = ImageSamples.FolderOf([.. Enumerable.Range(0, 40).Select(i => ($"{(i % 2 == 0 ? "dark" : "light")}/{i}.png",
            ImageSamples.Plain((byte)(i % 2 == 0 ? 20 + i : 220 - i), width: 40 + i, height: 30)))]);
        var modelPath = Path.Combine(ImageSamples.NewFolder(), "photos.zip");
        var picture = Path.Combine(folder, "light", "1.png");

        OwnImageLines(new MLContext(seed: 1), folder, modelPath);

        var mlContext = new MLContext();
        var model = mlContext.Model.Load(modelPath, out _);
        var images = mlContext.Data.LoadFromImageFolder(folder, new ImageFolderOptions { Height = 64, Width = 64 });
        Assert.AreEqual(1, mlContext.MulticlassClassification.Evaluate(model.Transform(images)).MicroAccuracy, "Evaluate");
        var byVerb = SampleProgram.Run("predict", modelPath, picture, Path.Combine(folder, "dark", "0.png"), "--format", "csv");
        StringAssert.Contains(byVerb.Output, $"{picture},light,", "resnet predict");
        using var engine = mlContext.Model.CreatePredictionEngine<OwnPicture, OwnPrediction>(model);
        var prediction = engine.Predict(new OwnPicture { Features = File.ReadAllBytes(picture) });
        Assert.AreEqual(("light", ""), (prediction.PredictedLabel, prediction.Problem), "PredictionEngine");
        var nothing = engine.Predict(new OwnPicture { Features = [1, 2, 3] });
        StringAssert.StartsWith(nothing.Problem, "expected an image", "PredictionEngine");
        Assert.IsTrue(nothing.Score.All(float.IsNaN));
    }

    [TestMethod]
    [DataRow("README")]
    [DataRow("README of photos")]
    [DataRow("README of own images")]
    public void The_README_says_what_the_test_compiles(string part)
    {
        var root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "ResNetMlNet.sln")))
            root = Path.GetDirectoryName(root) ?? throw new AssertInconclusiveException("The tests run outside the repository.");
        var compiled = File.ReadAllLines(Path.Combine(root, "test", "Microsoft.ML.ResNet.Tests", "ReadmeTests.cs"))
            .SkipWhile(line => line.Trim() != $"// {part} begins").Skip(1)
            .TakeWhile(line => line.Trim() != $"// {part} ends")
            .Select(line => line.Trim()
                .Replace("Cifar(8)", "Cifar(20)", StringComparison.Ordinal)
                .Replace("numberOfEpochs: 1)", "numberOfEpochs: 100)", StringComparison.Ordinal)
                .Replace("modelPath", part == "README" ? "\"model.zip\"" : "\"photos.zip\"", StringComparison.Ordinal)
                .Replace("(folder", "(\"photos\"", StringComparison.Ordinal))
            .ToList();
        var readme = File.ReadAllLines(Path.Combine(root, "README.md")).Select(line => line.Trim()).ToList();

        var first = readme.IndexOf(compiled[0]);
        Assert.AreNotEqual(-1, first, "the README has the first line");
        CollectionAssert.AreEqual(compiled, readme.Skip(first).Take(compiled.Count).ToList());
    }

    private static MulticlassClassificationMetrics TenLines(string[] trainFiles, string testFile, string modelPath)
    {
        // README begins
        var mlContext = new MLContext(seed: 1);
        IDataView train = mlContext.Data.LoadFromCifarBinary(trainFiles), test = mlContext.Data.LoadFromCifarBinary(testFile);
        var pipeline = mlContext.Transforms.Conversion.MapValueToKey("Label")
            .Append(mlContext.MulticlassClassification.Trainers.ResNet(
                architecture: ResNetArchitecture.Cifar(8), numberOfEpochs: 1))
            .Append(mlContext.Transforms.Conversion.MapKeyToValue("PredictedLabel"));
        ITransformer model = pipeline.Fit(train);
        var metrics = mlContext.MulticlassClassification.Evaluate(model.Transform(test));
        mlContext.Model.Save(model, train.Schema, modelPath);
        // README ends
        return metrics;
    }

    private static void PhotoLines(string folder, string modelPath)
    {
        // README of photos begins
        var mlContext = new MLContext(seed: 1); // the same seed, the same model
        using var imageNet = mlContext.Model.LoadImageNetResNet18();
        IDataView photos = mlContext.Data.LoadImageFilesFromFolder(folder);
        var pipeline = mlContext.Transforms.Conversion.MapValueToKey("Label")
            .Append(mlContext.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
            {
                InitialModel = imageNet.Model,
                FrozenStages = 4,
                Recipe = TrainingRecipe.LinearProbe, // a new head on what ImageNet taught
                ImageGeometry = ImageGeometry.CenterCrop,
                ValidationSetFraction = 0.2
            }))
            .Append(mlContext.Transforms.Conversion.MapKeyToValue("PredictedLabel"));
        mlContext.Model.Save(pipeline.Fit(photos), photos.Schema, modelPath);
        // README of photos ends
    }

    private static void OwnImageLines(MLContext mlContext, string folder, string modelPath)
    {
        // README of own images begins
        var images = mlContext.Data.LoadFromImageFolder(folder, new ImageFolderOptions
        {
            Height = 64,
            Width = 64,
            UnreadableImageBehavior = UnreadableImageBehavior.Skip
        });
        var split = mlContext.Data.TrainTestSplit(images, testFraction: 0.2, seed: 1);
        var pipeline = mlContext.Transforms.Conversion.MapValueToKey("Label")
            .Append(mlContext.MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options
            {
                Recipe = TrainingRecipe.Fast, // from scratch, in ten epochs
                ValidationSetFraction = 0.1, // the best epoch's weights are kept
                ProblemColumnName = "Problem", // why an image has no scores
                MetricsCallback = Console.WriteLine
            }))
            .Append(mlContext.Transforms.Conversion.MapKeyToValue("PredictedLabel"));
        var model = pipeline.Fit(split.TrainSet);
        Console.WriteLine(mlContext.MulticlassClassification.Evaluate(model.Transform(split.TestSet)).MicroAccuracy);
        mlContext.Model.SaveResNet(model, images.Schema, modelPath);
        // README of own images ends
    }

    private sealed class OwnPicture
    {
        public byte[] Features { get; set; } = [];

        public string Label { get; set; } = "";
    }

    private sealed class OwnPrediction
    {
        public string PredictedLabel { get; set; } = "";

        public float[] Score { get; set; } = [];

        public string Problem { get; set; } = "";
    }

    // Records of CIFAR-10's binary format: one label byte, 3,072 pixels.
    private static string Write(string name, int records)
    {
        var path = Path.Combine(Directory.CreateDirectory(Path.Combine(TestAssembly.TemporaryFolder, "readme-data")).FullName, name);
        var random = new Random(records);
        var bytes = new byte[records * 3073];
        random.NextBytes(bytes);
        for (var record = 0; record < records; record++)
            bytes[record * 3073] = (byte)(record % 10);
        File.WriteAllBytes(path, bytes);
        return path;
    }
}
