using Microsoft.ML.ResNet.Tests.Conformance;
using Microsoft.ML.ResNet.Tests.Support;

namespace Microsoft.ML.ResNet.Tests;

/// <summary>What the first stranger who used the package stumbled over.</summary>
[TestClass]
public class StrangerTests
{
    [TestMethod]
    [DataRow(0)]
    [DataRow(191)]
    [DataRow(193)]
    public void A_row_with_another_number_of_pixels_is_an_error_and_not_a_score(int length)
    {
        var ml = new MLContext(seed: 1);
        var data = TinyImages.View(ml, 30);
        using var model = ml.MulticlassClassification.Trainers.ResNet(TinyImages.Options(epochs: 1)).Fit(Keyed(ml, data));
        var wrong = ml.Data.LoadFromEnumerable([new TinyImage { Features = new byte[length], Label = TinyImages.Classes[0] }]);

        var error = Assert.ThrowsExactly<InvalidDataException>(() => Scores.Read(ml, model.Transform(wrong)));

        StringAssert.Contains(error.Message, $"holds {length} values; expected 192 (3x8x8)");
    }

    [TestMethod]
    public void A_training_that_diverges_says_so_and_what_to_do()
    {
        var ml = new MLContext(seed: 1);
        var options = TinyImages.Options(epochs: 50);
        options.Recipe = options.Recipe with { LearningRate = 1e30 };

        var error = Assert.ThrowsExactly<InvalidOperationException>(() => ml.MulticlassClassification.Trainers.ResNet(options)
            .Fit(Keyed(ml, TinyImages.View(ml, 60))));

        StringAssert.Contains(error.Message, "Lower the learning rate");
    }

    [TestMethod]
    public void A_validation_set_without_keys_is_named_before_anything_is_read()
    {
        var ml = new MLContext(seed: 1);
        var data = TinyImages.View(ml, 30);
        var source = new CountingView(Keyed(ml, data));

        var error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(
            () => ml.MulticlassClassification.Trainers.ResNet(TinyImages.Options(epochs: 1)).Fit(source, data));

        StringAssert.Contains(error.Message, "of the validation set is String; expected keys");
        Assert.AreEqual(0, source.CursorsOpened);
    }

    [TestMethod]
    public void A_broken_image_behind_a_pipeline_is_named()
    {
        var (ml, data) = BrokenImages("stranger");
        var pipeline = ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(ml.MulticlassClassification.Trainers.ResNet(TinyImages.Options(epochs: 1)));

        var error = Assert.ThrowsExactly<InvalidDataException>(() => pipeline.Fit(data));

        StringAssert.Contains(error.Message, "no-image.png");
    }

    [TestMethod]
    public void A_broken_image_behind_a_pipeline_is_named_in_scoring_too()
    {
        var (ml, data) = BrokenImages("stranger-scores");
        using var model = ml.MulticlassClassification.Trainers.ResNet(TinyImages.Options(epochs: 1))
            .Fit(Keyed(ml, TinyImages.View(ml, 30)));
        var keys = ml.Transforms.Conversion.MapValueToKey("Label").Fit(TinyImages.View(ml, 3)); // its view reads on worker threads

        var error = Assert.ThrowsExactly<InvalidDataException>(() => RowReader.Open(model.Transform(keys.Transform(data)))
            .DisposeAfter(reader => reader.ReadRest()));

        StringAssert.Contains(error.Message, "no-image.png");
    }

    private static (MLContext, IDataView) BrokenImages(string name)
    {
        var folder = Path.Combine(TestAssembly.TemporaryFolder, name);
        foreach (var label in new[] { "a", "b" })
        {
            Directory.CreateDirectory(Path.Combine(folder, label));
            File.Copy(GoldenNoise.Path("../Golden/README.md"), Path.Combine(folder, label, "no-image.png"), overwrite: true);
        }
        var ml = new MLContext(seed: 1);
        return (ml, ml.Data.LoadFromImageFolder(folder, new ImageFolderOptions { Height = 8, Width = 8 }));
    }

    [TestMethod]
    public void The_READMEs_lines_for_ones_own_images_run()
    {
        var folder = Path.Combine(TestAssembly.TemporaryFolder, "photos");
        var png = Convert.FromBase64String(
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==");
        foreach (var file in Enumerable.Range(0, 20).Select(i => Path.Combine(folder, i % 2 == 0 ? "odd" : "even", $"{i}.png")))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllBytes(file, png);
        }
        var mlContext = new MLContext(seed: 1);
        var images =
            mlContext.Data.LoadFromImageFolder(folder,
            new ImageFolderOptions { Height = 16, Width = 16, UnreadableImageBehavior = UnreadableImageBehavior.Skip });
        var split = mlContext.Data.TrainTestSplit(images, testFraction: 0.2, seed: 1);
        var keys = mlContext.Transforms.Conversion.MapValueToKey("Label").Fit(split.TrainSet); // both sets need the same keys
        using var network =
            mlContext.MulticlassClassification.Trainers.ResNet(
            new ResNetTrainer.Options { MetricsCallback = Console.WriteLine, Recipe = TrainingRecipe.Tutorial with { NumberOfEpochs = 1 } })
            .Fit(keys.Transform(split.TrainSet), keys.Transform(split.TestSet));

        var engine =
            mlContext.Model.CreatePredictionEngine<EncodedRow, ScoredRow>(network, new PredictionEngineOptions { OwnsTransformer = false });
        Assert.AreEqual(1, engine.Predict(new EncodedRow { Features = png }).Score.Sum(), 1e-5);
    }

    private sealed class EncodedRow
    {
        public byte[] Features { get; set; } = [];
    }

    private static IDataView Keyed(MLContext ml, IDataView data)
        => ml.Transforms.Conversion.MapValueToKey("Label").Fit(data).Transform(data);
}
