using System.Runtime.InteropServices;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Tensors;
using Microsoft.ML.ResNet.Tests.Persistence;
using Microsoft.ML.ResNet.Tests.Support;

namespace Microsoft.ML.ResNet.Tests.Interop;

/// <summary>Weights in and out by the public API.</summary>
[TestClass]
public class ResNetWeightsTests
{
    private static readonly string[] TenClasses = [.. Enumerable.Range(0, 10).Select(index => $"class {index}")];

    [TestMethod]
    [DataRow("cifar-20.pth")]
    [DataRow("cifar-20-legacy.pth")]
    [DataRow("cifar-20.safetensors")]
    public void A_file_of_any_kind_becomes_the_same_model(string file)
    {
        using var model = Load(GoldenNoise.Path(file), out var report);

        Assert.IsTrue(report.IsExact);
        GoldenWeights.AssertAreCifar20(model.Model.Network.Weights);
        Assert.AreEqual($"{report.Matched.Count} matched", report.ToString());
        CollectionAssert.AreEqual(TenClasses, model.Model.ClassNames.ToArray());
        CollectionAssert.AreEqual(new[] { 0.485f, 0.456f, 0.406f }, model.Model.ChannelMeans.ToArray());
        Assert.AreEqual(new ImageShape(3, 32, 32), model.Model.ImageShape);
    }

    [TestMethod]
    public void An_imported_model_saves_and_loads_like_a_trained_one()
    {
        var mlContext = new MLContext(seed: 1);
        var images = TinyImages.View(mlContext, 12);
        using var model = LoadTiny(mlContext, Safetensors(Tiny()), out _);
        using var file = new MemoryStream();
        mlContext.Model.Save(mlContext.Transforms.Conversion.MapLabelToKey(model).Fit(images).Append(model), images.Schema, file);

        var loaded = new MLContext().Model.LoadResNet(file, out _);

        CollectionAssert.AreEqual(Scores(model.Transform(images)), Scores(loaded.Transform(images)));
        Assert.AreEqual(
            12, mlContext.MulticlassClassification.Evaluate(loaded.Transform(images)).ConfusionMatrix.Counts.Sum(row => row.Sum()));
    }

    [TestMethod]
    public void What_is_saved_is_what_is_loaded()
    {
        var tensors = Tiny();
        using var model = LoadTiny(new MLContext(), Safetensors(tensors), out _);
        using MemoryStream pytorch = new(), safetensors = new();

        model.SavePyTorch(pytorch);
        model.SaveSafetensors(safetensors);

        foreach (var stream in new[] { pytorch, safetensors })
        {
            using var again = LoadTiny(new MLContext(), stream, out _);
            AssertEqual(tensors, again.Model.Network.Weights);
        }
        safetensors.Position = 0;
        ResNet.Tensors.Safetensors.Read(safetensors, out var metadata);
        Assert.AreEqual("""["red left","green right","blue top"]""", metadata["classes"]);
        Assert.AreEqual("pt 3x8x8 0.5,0.5,0.5 0.25,0.25,0.25",
            $"{metadata["format"]} {metadata["image"]} {metadata["mean"]} {metadata["deviation"]}");
    }

    [TestMethod]
    public void A_file_that_does_not_fit_is_an_error_that_names_the_tensors()
    {
        var options = Options with { ClassNames = ["a", "b"], Architecture = ResNetArchitecture.Cifar(26) };

        var error = Assert.ThrowsExactly<WeightsFormatException>(
            () => new MLContext().Model.LoadResNetWeights(GoldenNoise.Path("cifar-20.pth"), options, out _));

        StringAssert.Contains(error.Message, "do not fit cifar-26 with 3 channels and 2 classes");
        StringAssert.Contains(error.Message, "'layer1.3.conv1.weight'");
        StringAssert.Contains(error.Message, "'fc.weight: Float32[10, 64], expected Float32[2, 64]'");
    }

    [TestMethod]
    public void What_does_not_come_from_the_file_is_drawn_from_the_seed()
    {
        var options = Options with { ClassNames = ["a", "b"], Strict = false, Seed = 5 };
        using var model = new MLContext().Model.LoadResNetWeights(GoldenNoise.Path("cifar-20.pth"), options, out var report);
        using var same = new MLContext(seed: 5).Model.LoadResNetWeights(GoldenNoise.Path("cifar-20.pth"),
            options with { Seed = null }, out _);
        using var other = new MLContext().Model.LoadResNetWeights(GoldenNoise.Path("cifar-20.pth"), options with { Seed = 6 }, out _);

        Assert.HasCount(2, report.Mismatched);
        Assert.IsEmpty(report.Missing);
        var weights = model.Model.Network.Weights;
        AssertEqual(weights, same.Model.Network.Weights);
        var head = weights.Single(tensor => tensor.Name == "fc.weight");
        CollectionAssert.AreEqual(new long[] { 2, 64 }, head.Shape.ToArray());
        Assert.IsFalse(head.Data.Span.SequenceEqual(other.Model.Network.Weights.Single(tensor => tensor.Name == "fc.weight").Data.Span));
        AssertEqual([.. weights.SkipLast(2)], [.. other.Model.Network.Weights.SkipLast(2)]);
    }

    [TestMethod]
    public void Weights_of_something_else_are_an_error_even_if_not_strict()
        => StringAssert.Contains(Assert.ThrowsExactly<WeightsFormatException>(() => new MLContext().Model.LoadResNetWeights(
            GoldenNoise.Path("cifar-20.pth"), Options with { Architecture = ResNetArchitecture.D2l18(), Strict = false }, out _)).Message,
                "nothing in common");

    [TestMethod]
    public void Counters_of_batches_may_be_missing()
    {
        var tensors = Tiny();
        using var model = LoadTiny(new MLContext(), Safetensors([.. tensors.Where(tensor => tensor.Type != ElementType.Int64)]),
            out var report);

        Assert.IsTrue(report.IsExact);
        AssertEqual(tensors, model.Model.Network.Weights); // they are 0 in both
    }

    [TestMethod]
    public void Weights_in_double_precision_become_single()
    {
        var tensors = Tiny();
        var doubles = tensors.Select(tensor => tensor.Type != ElementType.Float32 ? tensor : tensor with
        {
            Type = ElementType.Float64,
            Data = MemoryMarshal.AsBytes<double>(MemoryMarshal.Cast<byte, float>(tensor.Data.Span).ToArray().Select(value => (double)value)
                .ToArray()).ToArray(),
        });

        using var model = LoadTiny(new MLContext(), Safetensors([.. doubles]), out _);

        AssertEqual(tensors, model.Model.Network.Weights);
    }

    [TestMethod]
    [DataRow("layer1.0.conv1.weight", float.NaN, "finite")]
    [DataRow("bn1.running_var", -1f, "below zero")]
    public void Values_that_make_no_sense_are_an_error(string name, float value, string expected)
    {
        var bytes = new byte[4];
        MemoryMarshal.Write(bytes, value);
        var broken = Tiny()
            .Select(tensor => tensor.Name == name ? tensor with { Data = (byte[])[.. bytes, .. tensor.Data.Span[4..]] } : tensor);

        var error = Assert.ThrowsExactly<WeightsFormatException>(() => LoadTiny(new MLContext(), Safetensors([.. broken]), out _));

        StringAssert.Contains(error.Message, $"tensor '{name}'");
        StringAssert.Contains(error.Message, expected);
    }

    [TestMethod]
    [DataRow(new byte[0])]
    [DataRow(new byte[] { 1, 2, 3 })]
    [DataRow(new byte[] { 0x50, 0x4B, 3, 4, 0 })]
    [DataRow(new byte[] { 0x80, 2, 0 })]
    public void A_file_of_no_kind_is_an_error(byte[] file)
        => Assert.ThrowsExactly<WeightsFormatException>(() => LoadTiny(new MLContext(), new MemoryStream(file), out _));

    [TestMethod]
    public void All_wrong_options_are_named_at_once()
    {
        var options = Options with { ClassNames = ["a", "a"], ImageShape = new ImageShape(1, 0, 8), ScoreColumnName = "PredictedLabel" };

        var message =
            Assert.Throws<ArgumentException>(() => new MLContext().Model.LoadResNetWeights(new MemoryStream(), options, out _)).Message;

        foreach (var part in new[] { "'a' twice", "ImageShape is 1x0x8", "ChannelMeans has 3 values", "ScoreColumnName" })
            StringAssert.Contains(message, part);
    }

    [TestMethod]
    public void A_labels_key_is_its_place_among_the_models_classes()
    {
        var mlContext = new MLContext();
        using var model = LoadTiny(mlContext, Safetensors(Tiny()), out _);
        var rows = mlContext.Data.LoadFromEnumerable(
            new[] { "blue top", "red left", "grey middle",
            "green right" }.Select(label => new TinyImage { Label = label, Features = new byte[192] }));

        var keyed = mlContext.Transforms.Conversion.MapLabelToKey(model, "Key", "Label").Fit(rows).Transform(rows);

        CollectionAssert.AreEqual(new uint[] { 3, 1, 0, 2 }, keyed.GetColumn<uint>("Key").ToArray());
    }

    [TestMethod]
    public void Labels_of_classes_without_values_need_no_mapping()
    {
        var mlContext = new MLContext();
        using var model = new ResNetTransformer(mlContext, SavedModel.Create(classes: new ClassLabels(3)), SavedModel.Columns);

        Assert.Throws<ArgumentException>(() => mlContext.Transforms.Conversion.MapLabelToKey(model));
    }

    private static ResNetWeightsOptions Options => new() { Architecture = ResNetArchitecture.Cifar(20), ClassNames = TenClasses };

    private static ResNetTransformer Load(string path, out WeightsReport report)
        => new MLContext().Model.LoadResNetWeights(path, Options, out report);

    private static ResNetTransformer LoadTiny(MLContext mlContext, Stream stream, out WeightsReport report)
        => mlContext.Model.LoadResNetWeights(stream, new ResNetWeightsOptions
    {
        Architecture = SavedModel.Narrow,
        ClassNames = TinyImages.Classes,
        ImageShape = TinyImages.Shape,
        ChannelMeans = [0.5f, 0.5f, 0.5f],
        ChannelDeviations = [0.25f, 0.25f, 0.25f],
    }, out report);

    private static IReadOnlyList<NamedTensor> Tiny() => SavedModel.Create().Weights;

    private static MemoryStream Safetensors(IReadOnlyList<NamedTensor> tensors)
    {
        var stream = new MemoryStream();
        ResNet.Tensors.Safetensors.Write(stream, tensors);
        return stream;
    }

    private static float[] Scores(IDataView view) => [.. view.GetColumn<float[]>("Score").SelectMany(scores => scores)];

    private static void AssertEqual(IReadOnlyList<NamedTensor> expected, IReadOnlyList<NamedTensor> actual)
    {
        CollectionAssert.AreEqual(expected.Select(tensor => tensor.ToString()).ToArray(), actual.Select(tensor => tensor.ToString())
            .ToArray());
        foreach (var (a, b) in expected.Zip(actual))
            Assert.IsTrue(a.Data.Span.SequenceEqual(b.Data.Span), a.Name);
    }
}
