using System.Runtime.InteropServices;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Network.Torch;
using Microsoft.ML.ResNet.Tests.Interop.Onnx;
using Microsoft.ML.ResNet.Tests.Support;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Tests;

/// <summary>Features as a column, against libtorch's modules, and against the scores that the head makes of them.</summary>
[TestClass]
public class FeaturizeTests
{
    private static readonly MLContext Ml = new(seed: 1);

    [TestMethod]
    [DataRow("cifar-8", true)]
    [DataRow("cifar-11", true)]
    [DataRow("imagenet-18", true)]
    [DataRow("imagenet-50", true)]
    [DataRow("imagenet-18", false)]
    public void Features_are_what_libtorchs_modules_give_and_the_head_makes_the_scores_of_them(string name, bool kernels)
    {
        var model = ExportedModel.Create(ResNetArchitecture.Parse(name), new ImageShape(3, 32, 32), "a", "b", "c") with
        {
            TestTimeFlip = false
        };
        using var transformer = Transformer(model, kernels);
        var images = ExportedModel.Images(model.Shape, 5);
        var data = ExportedModel.View(model.Shape, images);

        var found = Features(transformer.Featurize(data));

        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        using var network = ResidualNetwork.Of(model);
        var pixels = tensor(images.SelectMany(image => image).ToArray(), [5, 3, 32, 32]);
        var x = model.Normalization.Apply(pixels);
        foreach (var (part, module) in network.named_children().Where(child => child.name != "fc"))
        {
            x = ((nn.Module<Tensor, Tensor>)module).forward(x);
            if (part == "bn1")
                x = x.relu();
            if (part == "bn1" && model.Architecture.Stem == ResNetStem.ImageNet)
                x = nn.functional.max_pool2d(x, 3, stride: 2, padding: 1);
        }
        var expected = x.mean([2, 3]);
        Assert.IsTrue(found.All(row => row.Length == model.Architecture.FeatureWidth));
        AssertClose(expected.data<float>().ToArray(), [.. found.SelectMany(row => row)]);

        var (weight, bias) = (Floats(model, "fc.weight"), Floats(model, "fc.bias"));
        var scores = transformer.Transform(data).GetColumn<VBuffer<float>>("Score").Select(row => row.DenseValues().ToArray()).ToArray();
        foreach (var (features, score) in found.Zip(scores))
        {
            var logits = Enumerable.Range(0, 3).Select(c => bias[c]
                + features.Select((value, i) => (double)value * weight[c * features.Length + i]).Sum()).ToArray();
            var powers = logits.Select(logit => Math.Exp(logit - logits.Max())).ToArray();
            AssertClose([.. powers.Select(power => (float)(power / powers.Sum()))], score);
        }
    }

    [TestMethod]
    public void Test_time_flip_changes_scores_and_no_features()
    {
        var model = ExportedModel.Tiny();
        var data = ExportedModel.View(model.Shape, ExportedModel.Images(model.Shape, 4));
        using var plain = ExportedModel.Transformer(model);
        using var flips = ExportedModel.Transformer(model with { TestTimeFlip = true });

        Assert.IsFalse(Scores(plain).SequenceEqual(Scores(flips)));
        CollectionAssert.AreEqual(Features(plain.Featurize(data)).SelectMany(row => row).ToArray(),
            Features(flips.Featurize(data)).SelectMany(row => row).ToArray());

        float[] Scores(ResNetTransformer transformer)
            => [.. transformer.Transform(data).GetColumn<VBuffer<float>>("Score").SelectMany(row => row.DenseValues())];
    }

    [TestMethod]
    public void Other_columns_pass_the_name_is_the_callers_and_a_missing_image_has_none()
    {
        var model = ExportedModel.Tiny();
        var warnings = new List<string>();
        var ml = new MLContext(seed: 1);
        ml.Log += (_, message) => warnings.Add(message.Message);
        using var logging = new ResNetTransformer(ml, model, Columns);
        var image = new MLImageRows(model.Shape);

        var view = logging.Featurize(image.View(ml), "Embedding");

        var column = view.Schema["Embedding"];
        Assert.AreEqual(new VectorDataViewType(NumberDataViewType.Single, model.Architecture.FeatureWidth), column.Type);
        CollectionAssert.AreEqual(new[] { "one", "two", "three" }, view.GetColumn<string>("Name").ToArray());
        var rows = view.GetColumn<VBuffer<float>>("Embedding").Select(row => row.DenseValues().ToArray()).ToArray();
        Assert.IsTrue(rows[0].Concat(rows[2]).All(float.IsFinite));
        Assert.IsTrue(rows[1].All(float.IsNaN));
        _ = view.GetColumn<VBuffer<float>>("Embedding").Count();
        Assert.HasCount(1, warnings.Where(warning => warning.Contains("1 images could not be read: their features are NaN",
            StringComparison.Ordinal)));
        Assert.Throws<ArgumentException>(() => logging.Featurize(image.View(ml), " "));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => logging.Featurize(Ml.Data.LoadFromEnumerable([new { Other = 1f }])));
    }

    [TestMethod]
    public void An_images_nearest_neighbour_is_of_its_class_and_clusters_are_classes()
    {
        var ml = new MLContext(seed: 1);
        var rows = TinyImages.Rows(90);
        var data = ml.Data.LoadFromEnumerable(rows);
        data = ml.Transforms.Conversion.MapValueToKey("Label").Fit(data).Transform(data);
        using var model = ml.MulticlassClassification.Trainers.ResNet(TinyImages.Options(epochs: 6)).Fit(data);

        var featurized = model.Featurize(data);
        var features = Features(featurized);
        var right = Enumerable.Range(0, features.Length).Count(row => rows[Nearest(features, row)].Label == rows[row].Label);
        Assert.IsGreaterThan(80, right);

        var clusters = ml.Clustering.Trainers.KMeans("ImageFeatures", numberOfClusters: 3).Fit(featurized).Transform(featurized)
            .GetColumn<uint>("PredictedLabel").ToArray();
        var purity = clusters.Zip(rows).GroupBy(pair => pair.First)
            .Sum(cluster => cluster.GroupBy(pair => pair.Second.Label).Max(label => label.Count()));
        Assert.IsGreaterThan(70, purity);
    }

    [TestMethod]
    public void Many_threads_get_the_same_and_after_Dispose_nobody_gets_any()
    {
        var model = ExportedModel.Tiny();
        using var transformer = ExportedModel.Transformer(model);
        var view = transformer.Featurize(ExportedModel.View(model.Shape, ExportedModel.Images(model.Shape, 300)));
        var expected = Features(view).SelectMany(row => row).ToArray();

        Parallel.For(0, 8, _ => CollectionAssert.AreEqual(expected, Features(view).SelectMany(row => row).ToArray()));

        transformer.Dispose();
        Assert.ThrowsExactly<ObjectDisposedException>(() => Features(view));
    }

    private static Microsoft.ML.ResNet.Persistence.ModelColumns Columns { get; } =
        new("Features", "Label", "Score", "PredictedLabel", PixelLayout.Planar, ChannelOrder.Rgb);

    private static ResNetTransformer Transformer(TrainedResNet model, bool kernels)
        => new(new MLContext(seed: 1), model, Columns, new ResNetNumerics { CpuKernelsForScoring = kernels });

    private static float[][] Features(IDataView view)
        => [.. view.GetColumn<VBuffer<float>>("ImageFeatures").Select(row => row.DenseValues().ToArray())];

    private static float[] Floats(TrainedResNet model, string name)
        => MemoryMarshal.Cast<byte, float>(model.Weights.Single(tensor => tensor.Name == name).Data.Span).ToArray();

    private static int Nearest(float[][] features, int row)
        => Enumerable.Range(0, features.Length).Where(other => other != row).MaxBy(other => Cosine(features[row], features[other]));

    private static double Cosine(float[] one, float[] other) => one.Zip(other, (a, b) => (double)a * b).Sum()
        / Math.Sqrt(one.Sum(a => (double)a * a) * other.Sum(b => (double)b * b));

    private static void AssertClose(float[] expected, float[] found)
    {
        Assert.HasCount(expected.Length, found);
        Assert.IsLessThan(2e-5f * expected.Max(Math.Abs), expected.Zip(found, (one, other) => Math.Abs(one - other)).Max());
    }

    /// <summary>Three images of a plain colour, the second of which is missing.</summary>
    private sealed class MLImageRows(ImageShape shape)
    {
        public IDataView View(MLContext ml) => ml.Data.LoadFromEnumerable(new[] { "one", "two", "three" }.Select(name => new Row
        {
            Name = name,
            Features = name == "two" ? null : MLImage.CreateFromPixels(shape.Width, shape.Height, MLPixelFormat.Bgra32,
                [.. Enumerable.Repeat((byte)(name == "one" ? 50 : 200), 4 * shape.PlaneSize)]),
        }));

        private sealed class Row
        {
            public string Name { get; set; } = "";

            [Microsoft.ML.Transforms.Image.ImageType(8, 8)]
            public MLImage? Features { get; set; }
        }
    }
}
