using System.Text.Json;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Tests.Support;

namespace Microsoft.ML.ResNet.Tests.Interop;

/// <summary>
/// Public weights of another author, through nothing but the public API, against the scores that PyTorch finds with them.
/// </summary>
[TestClass]
public class PublishedWeightsTests
{
    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    public void On_lossless_images_every_figure_is_PyTorchs()
    {
        var golden = Golden("pretrained-resnet20-lossless.json");
        var mlContext = new MLContext(seed: 1);
        using var model = Load(mlContext);

        var scored = Score(mlContext, model, mlContext.Data.LoadFromCifarBinary(SharedData.Require("data/cifar10-lossless-1017.bin")));

        var metrics = Evaluate(mlContext, scored);
        Assert.AreEqual(932, Math.Round(metrics.MicroAccuracy * 1017, 6));
        Assert.AreEqual(golden.GetProperty("log_loss").GetDouble(), metrics.LogLoss, 1e-5);
        Assert.AreEqual(golden.GetProperty("top3_accuracy").GetDouble(), metrics.TopKAccuracy, 1e-6);
        var confusion = golden.GetProperty("confusion_rows_true").EnumerateArray()
            .Select(row => row.EnumerateArray().Select(count => count.GetDouble()).ToArray());
        foreach (var (expected, actual) in confusion.Zip(metrics.ConfusionMatrix.Counts))
            CollectionAssert.AreEqual(expected, actual.ToArray());
        AssertLogits(golden, scored);
    }

    [TestMethod]
    public void On_JPEG_images_the_accuracy_is_PyTorchs()
    {
        var golden = Golden("pretrained-resnet20.json");
        var mlContext = new MLContext(seed: 1);
        using var model = Load(mlContext);

        var metrics =
            Evaluate(mlContext,
            Score(mlContext, model,
            mlContext.Data.LoadFromImageFolder(SharedData.Require("data/cifar10-jpeg.zip"),
            new ImageFolderOptions { Subfolder = "test" })));

        // decoders differ by a grey level here and there
        Assert.AreEqual(golden.GetProperty("accuracy").GetDouble(), metrics.MicroAccuracy, 0.005);
        Assert.AreEqual(golden.GetProperty("log_loss").GetDouble(), metrics.LogLoss, 0.02);
        Assert.AreEqual(golden.GetProperty("top3_accuracy").GetDouble(), metrics.TopKAccuracy, 0.005);
    }

    [TestMethod]
    public void Keys_in_order_of_appearance_make_nonsense_of_the_accuracy()
    {
        var mlContext = new MLContext(seed: 1);
        using var model = Load(mlContext);
        var images = mlContext.Data.LoadFromCifarBinary(SharedData.Require("data/cifar10-lossless-1017.bin"));

        var metrics =
            Evaluate(mlContext, model.Transform(mlContext.Transforms.Conversion.MapValueToKey("Label").Fit(images).Transform(images)));

        Assert.IsLessThan(0.3, metrics.MicroAccuracy); // this is why MapLabelToKey exists
    }

    private static ResNetTransformer Load(MLContext mlContext)
    {
        var options = new ResNetWeightsOptions
        {
            Architecture = ResNetArchitecture.Parse("cifar-20-optionA"),
            ClassNames = CifarClassNames.Cifar10
        };
        var model = mlContext.Model.LoadResNetWeights(SharedData.Require("data/resnet20-12fca82f.th"), options);
        Assert.IsTrue(model.ImportedWeights!.IsExact, model.ImportedWeights.ToString());
        return model;
    }

    private static IDataView Score(MLContext mlContext, ResNetTransformer model, IDataView images)
        => model.Transform(mlContext.Transforms.Conversion.MapLabelToKey(model).Fit(images).Transform(images));

    private MulticlassClassificationMetrics Evaluate(MLContext mlContext, IDataView scored)
    {
        var metrics = mlContext.MulticlassClassification.Evaluate(scored, topKPredictionCount: 3);
        TestContext.WriteLine(
            FormattableString.Invariant(
            $"accuracy {metrics.MicroAccuracy:p2}, log loss {metrics.LogLoss:f6}, top-3 {metrics.TopKAccuracy:f6}"));
        return metrics;
    }

    // A softmax keeps differences: log p - log p[0] is logit - logit[0].
    private static void AssertLogits(JsonElement golden, IDataView scored)
    {
        var scores = scored.GetColumn<float[]>("Score");
        foreach (var (expected, actual) in golden.GetProperty("first_logits").EnumerateArray().Zip(scores))
        {
            var logits = expected.EnumerateArray().Select(value => value.GetDouble()).ToArray();
            for (var i = 0; i < logits.Length; i++)
                // the file has four decimals
                Assert.AreEqual(logits[i] - logits[0], Math.Log(actual[i]) - Math.Log(actual[0]), 5e-4, $"logit {i}");
        }
    }

    private static JsonElement Golden(string file) => JsonDocument.Parse(File.ReadAllBytes(GoldenNoise.Path(file))).RootElement;
}
