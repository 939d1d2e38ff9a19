using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Reports.Report;
using Microsoft.ML.ResNet.Tests.Interop.Onnx;
using Microsoft.ML.ResNet.Tests.Persistence;
using Microsoft.ML.ResNet.Tests.Support;

namespace Microsoft.ML.ResNet.Tests;

/// <summary>A model that looks at mirror images too, wherever it is used.</summary>
[TestClass]
public class TestTimeFlipTests
{
    private static readonly TrainedResNet OneView = ExportedModel.Tiny(), TwoViews = OneView with { TestTimeFlip = true };

    [TestMethod]
    public void Scores_are_the_softmax_of_the_mean_of_both_logits()
    {
        var images = ExportedModel.Images(OneView.Shape, 5);
        using var session = new OnnxSession(ExportedModel.Export(OneView));
        float[][] Logits(byte[][] of) => session.Run(of.SelectMany(image => image).ToArray(), of.Length, OneView.Shape, "logits");
        var expected = Logits(images)
            .Zip(Logits([.. images.Select(Mirrored)]), (one, other) => Softmax([.. one.Zip(other, (x, y) => (x + y) / 2)])).ToArray();

        AssertEqual(expected, Scores(TwoViews, images), 1e-5f);
        Assert.IsGreaterThan(1e-2f, Scores(OneView, images).Zip(expected, (one, two) => one.Zip(two, (x, y) => Math.Abs(x - y)).Max())
            .Max(), "one view gives something else");
    }

    [TestMethod]
    public void An_image_and_its_mirror_image_get_the_same_scores_one_at_a_time_and_in_batches()
    {
        var images = ExportedModel.Images(TwoViews.Shape, 3);

        AssertEqual(Scores(TwoViews, images), Scores(TwoViews, [.. images.Select(Mirrored)]), 1e-6f);
        AssertEqual(Scores(TwoViews, images), [.. images.Select(image => Scores(TwoViews, [image])[0])], 1e-5f);
    }

    [TestMethod]
    [DataRow("cifar-8")]
    [DataRow("cifar-11-bottleneck-optionA")]
    [DataRow("imagenet-18")]
    public void The_ONNX_file_gives_the_same_scores(string name)
    {
        var shape = new ImageShape(3, 33, 30);
        var model = ExportedModel.Create(ResNetArchitecture.Parse(name), shape, "a", "b", "c", "d") with { TestTimeFlip = true };
        using var bytes = new OnnxSession(ExportedModel.Export(model));
        using var floats = new OnnxSession(ExportedModel.Export(model, new() { Input = OnnxInput.Float32 }));

        foreach (var count in new[] { 1, 5 })
        {
            var images = ExportedModel.Images(shape, count);
            var (pixels, expected) = (images.SelectMany(image => image).ToArray(), Scores(model, images));
            AssertEqual(expected, bytes.Run(pixels, count, shape), 1e-5f);
            AssertEqual(expected, floats.Run(Array.ConvertAll(pixels, pixel => (float)pixel), count, shape), 1e-5f);
            AssertEqual(expected, [.. bytes.Run(pixels, count, shape, "logits").Select(Softmax)], 1e-5f);
        }
    }

    [TestMethod]
    public void A_saved_model_remembers_it_and_files_of_before_have_one_view()
    {
        var (description, weights) = SavedModel.Entries(SavedModel.Create() with { TestTimeFlip = true });

        StringAssert.Contains(System.Text.Encoding.UTF8.GetString(description), "\"flipsAtTestTime\": true");
        Assert.IsTrue(SavedModel.Read(description, weights).Model.TestTimeFlip);
        Assert.IsFalse(SavedModel.Description(SavedModel.Create()).Contains("flips", StringComparison.OrdinalIgnoreCase),
            "absent where there is one view");
        var (plain, plainWeights) = SavedModel.Entries(SavedModel.Create());
        Assert.IsFalse(SavedModel.Read(plain, plainWeights).Model.TestTimeFlip);
    }

    [TestMethod]
    public void Validation_during_training_measures_what_the_model_then_gives()
    {
        var ml = new MLContext(seed: 1);
        var options = TinyImages.Options(epochs: 2);
        EpochReport? last = null;
        (options.Recipe, options.MetricsCallback) = (options.Recipe with { TestTimeFlip = true, BestBy = ValidationMetric.Loss },
            report => last = last?.ValidationLoss < report.ValidationLoss ? last : report);
        var keys = ml.Transforms.Conversion.MapValueToKey("Label").Fit(TinyImages.View(ml, 3));
        var validation = keys.Transform(TinyImages.View(ml, 45, seed: 2));
        var census = TensorCensus.Start();
        MulticlassClassificationMetrics metrics;
        using (var model = ml.MulticlassClassification.Trainers.ResNet(options).Fit(keys.Transform(TinyImages.View(ml, 48)), validation))
        {
            Assert.IsTrue(model.Model.TestTimeFlip);
            metrics = ml.MulticlassClassification.Evaluate(model.Transform(validation));
        }
        census.AssertNoSurvivorsOfTraining(options.Architecture, networks: 1);

        Assert.AreEqual(metrics.LogLoss, last!.ValidationLoss!.Value, 1e-4);
        Assert.AreEqual(metrics.MicroAccuracy, last.ValidationAccuracy!.Value, 1e-6);
    }

    [TestMethod]
    public void The_maps_of_a_report_are_of_both_views_and_add_up_to_the_scores()
    {
        using var network = ExportedModel.Transformer(TwoViews);
        var glance = new Glance(network);
        var image = ExportedModel.Images(TwoViews.Shape, 1)[0];
        ActivationMap[] Maps(byte[] of) => [.. Enumerable.Range(0, 3).Select(label
            => glance.At(of, new Outcome(0, label, label, 1, 1, 0)).Single())];
        var (maps, mirrored) = (Maps(image), Maps(Mirrored(image)));

        AssertEqual(Scores(TwoViews, [image]), [Softmax([.. maps.Select(map => map.Values.ToArray().Average() + map.Bias)])], 1e-5f);
        AssertEqual([.. maps.Select(map => map.Values.ToArray())],
            [.. mirrored.Select(map => map.Values.ToArray().Chunk(map.Width).SelectMany(row => row.Reverse()).ToArray())], 1e-5f);
    }

    private static float[][] Scores(TrainedResNet model, byte[][] images)
    {
        using var transformer = ExportedModel.Transformer(model);
        return [.. transformer.Transform(ExportedModel.View(model.Shape, images)).GetColumn<float[]>("Score")];
    }

    private static byte[] Mirrored(byte[] image) => [.. image.Chunk(OneView.Shape.Width).SelectMany(row => row.Reverse())];

    private static float[] Softmax(float[] logits)
    {
        var powers = logits.Select(logit => Math.Exp(logit - logits.Max())).ToArray();
        return [.. powers.Select(power => (float)(power / powers.Sum()))];
    }

    private static void AssertEqual(float[][] expected, float[][] found, float tolerance)
    {
        Assert.HasCount(expected.Length, found);
        foreach (var (one, other) in expected.Zip(found))
            for (var i = 0; i < one.Length; i++)
                Assert.AreEqual(one[i], other[i], tolerance);
    }
}
