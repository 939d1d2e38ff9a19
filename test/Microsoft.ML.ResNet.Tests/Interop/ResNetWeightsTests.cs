using System.IO.Compression;
using System.Runtime.InteropServices;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Interop;
using Microsoft.ML.ResNet.Interop.PyTorch;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Tensors;
using Microsoft.ML.ResNet.Tests.Persistence;
using Microsoft.ML.ResNet.Tests.Support;
using static Microsoft.ML.ResNet.Tests.Support.TinyWeights;

namespace Microsoft.ML.ResNet.Tests.Interop;

/// <summary>Weights in and out by the public API.</summary>
[TestClass]
public class ResNetWeightsTests
{
    [TestMethod]
    [DataRow("cifar-20.pth")]
    [DataRow("cifar-20-legacy.pth")]
    [DataRow("cifar-20.safetensors")]
    public void A_file_of_any_kind_becomes_the_same_model(string file)
    {
        using var model = Load(GoldenNoise.Path(file));
        var report = model.ImportedWeights!;

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
        using var model = LoadTiny(mlContext, Safetensors(Tiny()));
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
        using var model = LoadTiny(new MLContext(), Safetensors(tensors));
        using MemoryStream pytorch = new(), safetensors = new();

        model.SavePyTorch(pytorch);
        model.SaveSafetensors(safetensors);

        foreach (var stream in new[] { pytorch, safetensors })
        {
            using var again = LoadTiny(new MLContext(), stream);
            AssertEqual(tensors, again.Model.Network.Weights);
        }
        safetensors.Position = 0;
        ResNet.Tensors.Safetensors.Read(safetensors, out var metadata);
        Assert.AreEqual("""["red left","green right","blue top"]""", metadata["classes"]);
        Assert.AreEqual("pt 3x8x8 0.5,0.5,0.5 0.25,0.25,0.25",
            $"{metadata["format"]} {metadata["image"]} {metadata["mean"]} {metadata["deviation"]}");
    }

    [TestMethod]
    public void What_does_not_come_from_the_file_is_drawn_from_the_seed()
    {
        var options = Options with { ClassNames = ["a", "b"], Strict = false, Seed = 5 };
        using var model = new MLContext().Model.LoadResNetWeights(GoldenNoise.Path("cifar-20.pth"), options);
        var report = model.ImportedWeights!;
        using var same = new MLContext(seed: 5).Model.LoadResNetWeights(GoldenNoise.Path("cifar-20.pth"),
            options with { Seed = null });
        using var other = new MLContext().Model.LoadResNetWeights(GoldenNoise.Path("cifar-20.pth"), options with { Seed = 6 });

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
    public void Counters_of_batches_may_be_missing()
    {
        var tensors = Tiny();
        using var model = LoadTiny(new MLContext(), Safetensors([.. tensors.Where(tensor => tensor.Type != ElementType.Int64)]));

        Assert.IsTrue(model.ImportedWeights!.IsExact);
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

        using var model = LoadTiny(new MLContext(), Safetensors([.. doubles]));

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

        var error = Assert.ThrowsExactly<WeightsFormatException>(() => LoadTiny(new MLContext(), Safetensors([.. broken])));

        StringAssert.Contains(error.Message, $"'{name}'");
        StringAssert.Contains(error.Message, expected);
    }

    [TestMethod]
    [DataRow(new byte[0])]
    [DataRow(new byte[] { 1, 2, 3 })]
    [DataRow(new byte[] { 0x50, 0x4B, 3, 4, 0 })]
    [DataRow(new byte[] { 0x80, 2, 0 })]
    public void A_file_of_no_kind_is_an_error(byte[] file)
        => Assert.ThrowsExactly<WeightsFormatException>(() => LoadTiny(new MLContext(), new MemoryStream(file)));

    [TestMethod]
    public void All_wrong_options_are_named_at_once()
    {
        var options = Options with { ClassNames = ["a", "a"], ImageShape = new ImageShape(1, 0, 8), ScoreColumnName = "PredictedLabel" };

        var message =
            Assert.Throws<ArgumentException>(() => new MLContext().Model.LoadResNetWeights(new MemoryStream(), options)).Message;

        foreach (var part in new[] { "'a' twice", "ImageShape is 1x0x8", "ChannelMeans has 3 values", "ScoreColumnName" })
            StringAssert.Contains(message, part);
    }

    [TestMethod]
    public void A_labels_key_is_its_place_among_the_models_classes()
    {
        var mlContext = new MLContext();
        using var model = LoadTiny(mlContext, Safetensors(Tiny()));
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

    [TestMethod]
    [Timeout(60_000, CooperativeCancellation = true)]
    public void Forged_pickles_are_refused_with_one_exception_or_read()
    {
        using var good = new MemoryStream();
        PyTorchWriter.Write(good, Tiny());
        using var archive = new ZipArchive(good);
        var entries = archive.Entries.ToDictionary(entry => entry.FullName, entry =>
        {
            using var stream = entry.Open();
            using var copy = new MemoryStream();
            stream.CopyTo(copy);
            return copy.ToArray();
        });
        var objects = entries.Keys.Single(name => name.EndsWith("data.pkl", StringComparison.Ordinal));
        var options = TinyOptions(strict: true);
        var random = new Random(7);
        var refused = 0;
        for (var trial = 0; trial < 1000; trial++)
        {
            var pickle = (byte[])entries[objects].Clone();
            for (var change = random.Next(1, 5); change > 0; change--)
                pickle[random.Next(pickle.Length)] = random.Next(3) == 0 ? pickle[random.Next(pickle.Length)] : (byte)random.Next(256);
            using var forged = new MemoryStream();
            using (var target = new ZipArchive(forged, ZipArchiveMode.Create, leaveOpen: true))
                foreach (var (name, bytes) in entries)
                    using (var stream = target.CreateEntry(name, CompressionLevel.NoCompression).Open())
                        stream.Write(name == objects ? pickle : bytes);

            refused += Hostile.TryRead(forged.ToArray(), stream => WeightsImport.Read(stream, options with { Strict = trial % 4 != 0 }, 1),
                memoryLimit: 64 << 20) ? 0 : 1;
        }
        Assert.IsGreaterThan(500, refused);
    }

    private static ResNetTransformer Load(string path) => new MLContext().Model.LoadResNetWeights(path, Options);

    private static float[] Scores(IDataView view) => [.. view.GetColumn<float[]>("Score").SelectMany(scores => scores)];
}
