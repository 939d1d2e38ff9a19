using System.Diagnostics;
using System.IO.Compression;
using System.Text.Json;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Network.Torch;
using Microsoft.ML.ResNet.Tests.Support;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Tests.Interop;

/// <summary>
/// The weights of the package Microsoft.ML.DnnImageFeaturizer.ResNet18, against ONNX Runtime on the package's own file and against what
/// PyTorch made of photos.
/// </summary>
[TestClass]
public class ImageNetBackboneTests
{
    private const int Side = 224, Features = 512;

    public required TestContext TestContext { get; set; }

    private static string Models => Path.Combine(AppContext.BaseDirectory, "DnnImageModels");

    [TestMethod]
    public void It_is_a_ResNet_18_of_one_block_more_without_a_head_and_knows_its_images()
    {
        var log = new List<string>();
        var mlContext = new MLContext(seed: 1);
        mlContext.Log += (_, e) => log.Add($"{e.Kind}: {e.RawMessage}");
        var time = Stopwatch.StartNew();
        using var network = mlContext.Model.LoadImageNetResNet18();
        TestContext.WriteLine($"Loaded in {time.ElapsedMilliseconds} ms, libtorch's start included");
        time.Restart();
        new MLContext(seed: 1).Model.LoadImageNetResNet18().Dispose();
        TestContext.WriteLine($"Loaded again in {time.ElapsedMilliseconds} ms");
        var (report, model) = (network.ImportedWeights!, network.Model);

        CollectionAssert.AreEqual(new[] { 2, 2, 2, 3 }, model.Architecture.Stages.Select(stage => stage.Blocks).ToArray());
        Assert.AreEqual(new ImageShape(3, Side, Side), model.ImageShape);
        Assert.AreEqual(ImageGeometry.CenterCrop, model.ImageGeometry);
        Assert.IsTrue(report.IsBackbone);
        Assert.AreEqual("110 matched, a backbone without a head; 2 missing: 'fc.weight', 'fc.bias'", report.ToString());
        Assert.AreEqual("ONNX file", report.FileKind);
        CollectionAssert.AreEqual(new[] { 0.4829f, 0.4545f, 0.4042f }, model.ChannelMeans.Select(mean => MathF.Round(mean, 4)).ToArray());
        Assert.IsTrue(model.ChannelStandardDeviations.All(deviation => deviation == 1 / 255f));
        Assert.IsTrue(log.Exists(line => line.StartsWith("Warning: ", StringComparison.Ordinal)
            && line.Contains("The head ('fc.weight', 'fc.bias') does not come from the file")
            && line.Contains("No ClassNames were given, so that its classes are placeholders.")), string.Join('\n', log));
    }

    [TestMethod]
    public void Features_are_those_that_ONNX_Runtime_finds_in_the_packages_file()
    {
        using var network = new MLContext(seed: 1).Model.LoadImageNetResNet18();
        var random = new Random(3);
        var pixels = new byte[3 * Side * Side];
        // Blocks of colours, because noise looks the same everywhere.
        for (var i = 0; i < pixels.Length; i++)
            pixels[i] = i % 16 == 0 || i % Side == 0 ? (byte)random.Next(256) : pixels[i - (i / Side % 16 == 0 ? 1 : Side)];

        var ours = FeaturesOf(network.Model.Network, pixels);
        var theirs = RunPackage([.. Enumerable.Range(0, pixels.Length).Select(i =>
        {
            var channel = 2 - i / (Side * Side); // blue comes first
            return pixels[channel * Side * Side + i % (Side * Side)] - 255 * network.Model.ChannelMeans[channel];
        })]);

        var worst = WorstRelative(theirs, ours);
        TestContext.WriteLine($"Worst difference of {Features} features: {worst:0.0e+0} of the largest");
        Assert.IsLessThan(1e-4f, worst);
    }

    // PyTorch's features are those behind the seventh and eighth block: what torchvision's resnet18 has room for.
    [TestMethod]
    public void Features_of_photos_before_the_last_block_are_PyTorchs_but_for_the_JPEG_decoder()
    {
        using var photos = ZipFile.OpenRead(SharedData.Require("data/photos/ants-bees.zip"));
        using var golden = JsonDocument.Parse(File.ReadAllBytes(GoldenNoise.Path("photo-features.json")));
        using var whole = new MLContext(seed: 1).Model.LoadImageNetResNet18();
        var network = whole.Model.Network with
        {
            Architecture = ResNetArchitecture.ImageNet(18),
            Weights = [.. whole.Model.Network.Weights.Where(tensor => !tensor.Name.StartsWith("layer4.2.", StringComparison.Ordinal))],
        };
        foreach (var photo in golden.RootElement.GetProperty("photos").EnumerateArray())
        {
            var name = photo.GetProperty("file").GetString()!;
            var expected = photo.GetProperty("features").EnumerateArray().Select(value => value.GetSingle()).ToArray();
            var ours = FeaturesOf(network, Decode(photos.GetEntry(name)!, network));

            var (worst, cosine) = (WorstRelative(expected, ours), Cosine(expected, ours));
            TestContext.WriteLine($"{name}: worst difference {worst:0.0e+0} of the largest feature, cosine {cosine:0.000000}");
            Assert.IsLessThan(0.02, worst, name);
            Assert.IsGreaterThan(0.9999, cosine, name);
        }
    }

    [TestMethod]
    public void Without_the_mean_image_its_channel_means_are_known()
    {
        var folder = Directory.CreateTempSubdirectory().FullName;
        try
        {
            Directory.CreateDirectory(Path.Combine(folder, "ResNet18Onnx"));
            File.Copy(Path.Combine(Models, "ResNet18Onnx", "ResNet18.onnx"), Path.Combine(folder, "ResNet18Onnx", "ResNet18.onnx"));
            using var with = new MLContext(seed: 1).Model.LoadImageNetResNet18();
            using var without = new MLContext(seed: 1).Model.LoadImageNetResNet18(folder, featureColumnName: "Photo");

            foreach (var (a, b) in with.Model.ChannelMeans.Zip(without.Model.ChannelMeans))
                Assert.AreEqual(a, b, 1e-4f);
            Assert.AreEqual("Photo", without.FeatureColumnName);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [TestMethod]
    public void Where_the_package_is_missing_the_message_says_how_to_add_it()
    {
        var error = Assert.ThrowsExactly<FileNotFoundException>(() => new MLContext().Model.LoadImageNetResNet18("nowhere"));

        StringAssert.Contains(error.Message, "run 'dotnet add package Microsoft.ML.DnnImageFeaturizer.ResNet18'");
        StringAssert.Contains(error.Message, Path.Combine("nowhere", "ResNet18Onnx", "ResNet18.onnx"));
    }

    /// <summary>What the network pools, by libtorch.</summary>
    private static float[] FeaturesOf(TrainedResNet network, byte[] pixels)
    {
        using var scope = NewDisposeScope();
        using var modules = ResidualNetwork.Of(network);
        modules.Freeze(network.Architecture.Stages.Count);
        var (mean, deviation) = (network.Normalization.Mean, network.Normalization.Deviation);
        var images = tensor(pixels.Select((pixel, i) => (pixel / 255f - mean[i / (Side * Side)]) / deviation[i / (Side * Side)]).ToArray(),
            [1, 3, Side, Side]);
        return modules.PassFrozen(images).data<float>().ToArray();
    }

    private static float[] RunPackage(float[] values)
    {
        using var session = new InferenceSession(Path.Combine(Models, "ResNet18Onnx", "ResNet18.onnx"));
        using var input = OrtValue.CreateTensorValueFromMemory(values, [1, 3, Side, Side]);
        using var run = new RunOptions();
        using var results = session.Run(run, session.InputNames, [input], session.OutputNames);
        return results[0].GetTensorDataAsSpan<float>().ToArray();
    }

    /// <summary>A photo as the network takes it: the shorter side becomes 256, and the central 224 pixels stay.</summary>
    private static byte[] Decode(ZipArchiveEntry photo, TrainedResNet network)
    {
        using var stream = photo.Open();
        using var copy = new MemoryStream();
        stream.CopyTo(copy);
        var pixels = new byte[network.Shape.Size];
        Assert.IsTrue(ImageDecoder.TryDecode(copy.ToArray(), network.Target, pixels, out _, out var problem), problem);
        return pixels;
    }

    private static float WorstRelative(float[] expected, float[] actual)
    {
        Assert.HasCount(Features, actual);
        return expected.Zip(actual, (a, b) => Math.Abs(a - b)).Max() / expected.Max();
    }

    private static double Cosine(float[] a, float[] b)
        => a.Zip(b, (x, y) => (double)x * y).Sum() / Math.Sqrt(a.Sum(x => (double)x * x) * b.Sum(x => (double)x * x));
}
