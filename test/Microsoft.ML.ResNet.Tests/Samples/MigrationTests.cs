using Microsoft.ML.ResNet.Tests.Images;
using SkiaSharp;

namespace Microsoft.ML.ResNet.Tests.Samples;

/// <summary>
/// What docs/from-image-classification.md and docs/pytorch.md show, compiled and run: ML.NET's own pipeline, in which the trainer is
/// replaced and nothing else, and a script of PyTorch's as a recipe.
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
    public void The_recipe_of_a_script_for_PyTorch_is_what_the_script_says()
    {
        var recipe = PyTorchRecipe();

        Assert.AreEqual("200 epochs, batch 128, SGD momentum 0.9 Nesterov rate 0.1 "
            + $"{recipe.Schedule}, weight decay 0.0005, label smoothing 0.1, augmentation {recipe.Augmentation}", recipe.ToString());
        Assert.AreEqual(1, recipe.Schedule.Factor(5.0 / 200), 1e-12, "five epochs of warm-up");
        Assert.AreEqual(0, recipe.Schedule.Factor(1), 1e-12, "half a cosine");
    }

    [TestMethod]
    [DataRow("document", "Samples/MigrationTests.cs", "from-image-classification.md")]
    [DataRow("PyTorch", "Samples/MigrationTests.cs", "pytorch.md")]
    public void The_document_shows_the_code_that_runs(string part, string file, string document)
        => AssertShows(document, File.ReadAllLines(Path.Combine(Root(), "test", "Microsoft.ML.ResNet.Tests", file))
            .SkipWhile(line => line.Trim() != $"// {part} begins").Skip(1).TakeWhile(line => line.Trim() != $"// {part} ends"));

    [TestMethod]
    [DataRow("fsharp/Program.fs")]
    [DataRow("vb/Program.vb")]
    public void The_document_shows_the_programs_that_the_package_check_runs(string program)
        => AssertShows("fsharp-and-vb.md", File.ReadAllLines(Path.Combine(Root(), "build", "package-check", program)));

    private static void AssertShows(string document, IEnumerable<string> code)
    {
        var compiled = code.Select(line => line.Trim()).ToList();
        var shown = File.ReadAllLines(Path.Combine(Root(), "docs", document)).Select(line => line.Trim()).ToList();
        var first = shown.IndexOf(compiled[0]);
        Assert.AreNotEqual(-1, first, "the document has the first line");
        CollectionAssert.AreEqual(compiled, shown.Skip(first).Take(compiled.Count).ToList());
    }

    private static string Root()
    {
        var root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "ResNetMlNet.sln")))
            root = Path.GetDirectoryName(root) ?? throw new AssertInconclusiveException("The tests run outside the repository.");
        return root;
    }

    private static TrainingRecipe PyTorchRecipe()
    {
        // PyTorch begins
        var recipe = new TrainingRecipe
        {
            NumberOfEpochs = 200,
            BatchSize = 128,
            Optimizer = new Sgd { Momentum = 0.9, Nesterov = true }, // SGD(lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
            LearningRate = 0.1,
            WeightDecay = 5e-4,
            Schedule = new WarmUpSchedule(0.025, new CosineSchedule()), // LinearLR(0.01) for 5 of 200 epochs, then CosineAnnealingLR(195)
            LabelSmoothing = 0.1, // CrossEntropyLoss(label_smoothing=0.1)
            Augmentation = [new RandomCrop(4), new HorizontalFlip()] // RandomCrop(32, padding=4), RandomHorizontalFlip()
        };
        // PyTorch ends
        return recipe;
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
