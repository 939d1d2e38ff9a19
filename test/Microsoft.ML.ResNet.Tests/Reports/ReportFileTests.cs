using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.ML.ResNet.Reports;
using Microsoft.ML.ResNet.Tests.Images;
using Microsoft.ML.ResNet.Tests.Interop.Onnx;
using Microsoft.ML.ResNet.Tests.Support;
using SkiaSharp;

namespace Microsoft.ML.ResNet.Tests.Reports;

/// <summary>What is in the file that the call writes.</summary>
[TestClass]
public class ReportFileTests
{
    private static readonly MLContext ML = new(seed: 1);
    private static ITransformer _model = null!;
    private static IDataView _files = null!;

    /// <summary>Pictures in two folders, red or green, and a model of them.</summary>
    [ClassInitialize]
    public static void Train(TestContext _)
    {
        var folder = ImageSamples.FolderOf([.. Enumerable.Range(0, 16).Select(i => ($"{(i % 2 == 0 ? "red" : "green")}/{i:d2}.png",
            ImageSamples.Encode(12, 8, (x, y) => i % 2 == 0 ? new SKColor(250, (byte)(9 * x), 0) : new SKColor(0, 250, (byte)(9 * y)))))]);
        File.WriteAllText(Path.Combine(folder, "red", "99.png"), "no picture");
        _files = ML.Data.LoadImageFilesFromFolder(folder, new() { UnreadableImageBehavior = UnreadableImageBehavior.Skip });
        var options = TinyImages.Options(epochs: 2);
        (options.ImageHeight, options.ImageWidth, options.ImageChannels) = (16, 16, 3);
        options.Recipe = options.Recipe with { BatchSize = 4 };
        _model = ML.Transforms.Conversion.MapValueToKey("Label").Append(ML.MulticlassClassification.Trainers.ResNet(options)).Fit(_files);
    }

    [ClassCleanup]
    public static void Free() => (_model as IDisposable)?.Dispose();

    [TestMethod]
    public void Files_have_their_names_thumbnails_and_maps_and_what_cannot_be_read_is_counted()
    {
        var (data, summary) = Write(new());

        Assert.AreEqual((16, 1L, 0L), (summary.ImageCount, summary.UnreadableCount, summary.UnknownClassCount));
        var names = data["rows"]!["names"]!.AsArray().Select(name => (string)name!).Order(StringComparer.Ordinal).ToArray();
        CollectionAssert.AreEqual(Enumerable.Range(0, 16).Select(i => $"{(i % 2 == 0 ? "red" : "green")}/{i:d2}.png")
            .Order(StringComparer.Ordinal).ToArray(), names);
        foreach (var (index, thumbnail) in data["rows"]!["thumbnails"]!.AsArray().Index())
        {
            using var picture = SKBitmap.Decode(Convert.FromBase64String((string)thumbnail!));
            Assert.AreEqual((16, 16), (picture.Width, picture.Height));
            var isRed = ((string)data["rows"]!["names"]![index]!).StartsWith("red", StringComparison.Ordinal);
            Assert.AreEqual(isRed, picture.GetPixel(8, 8).Red > picture.GetPixel(8, 8).Green);
        }
        Assert.IsNotEmpty(data["looks"]!.AsArray());
        Assert.IsTrue(data["looks"]!.AsArray().All(look => look!["maps"]!.AsArray().All(map
            => Convert.FromBase64String((string)map!["values"]!).Length == (int)map["width"]! * (int)map["height"]!)));
        Assert.AreEqual(2, data["epochs"]!.AsArray().Count);
        Assert.AreEqual(1, data["epochs"]!.AsArray().Count(epoch => (bool)epoch!["isKept"]!));
    }

    [TestMethod]
    public void A_training_batch_is_shown_as_the_recipe_augments_it()
    {
        var recipe = TrainingRecipe.Tutorial with { Augmentation = [new RandomResizedCrop()], Mix = new Mixup(5) };
        var (data, _) = Write(new() { Recipe = recipe, TrainingData = _files });

        var labels = data["batch"]!.AsArray().Select(one => (string)one!["label"]!).ToArray();
        Assert.HasCount(16, labels);
        Assert.IsTrue(labels.Any(label => Regex.IsMatch(label, @"^\d+ % (red|green), \d+ % (red|green)$")), string.Join("; ", labels));
        StringAssert.Contains((string)data["batchAugmentation"]!, "then mixup(5)");
    }

    [TestMethod]
    public void Stages_and_what_the_caller_knows_are_told()
    {
        var history = _model.FindResNet()!.TrainingHistory;
        var (data, _) = Write(new()
        {
            Stages = [new("head", history), new("all", history)],
            KeptStage = "head",
            DataCheck = DataChecker.Check([.. Enumerable.Range(0, 4).Select(i => new CheckedImage($"{i}", i % 2 == 0 ? "a" : "b", "train",
                () => ImageSamples.Plain(200, width: 5, height: 3)))]),
            Command = "train it",
            Facts = [new("Trained on", "pictures")],
            Reproduction = [new("Seed", "1")],
        });

        var kept = data["epochs"]!.AsArray().Where(epoch => (bool)epoch!["isKept"]!).Select(epoch => (string)epoch!["stage"]!);
        CollectionAssert.AreEqual(new[] { "head" }, kept.ToArray());
        var duplicates = data["findings"]!.AsArray().Single(one => (string)one!["title"]! == "exact duplicates")!;
        Assert.IsGreaterThan(0, (int)duplicates["serious"]!, "The same file has two labels.");
        Assert.AreEqual("train it", (string)data["command"]!);
        CollectionAssert.AreEqual(new[] { "Trained on", "pictures" }, data["facts"]![0]!.AsArray().Select(text => (string)text!).ToArray());
        CollectionAssert.AreEqual(new[] { "Seed", "1" }, data["reproduction"]![0]!.AsArray().Select(text => (string)text!).ToArray());
    }

    [TestMethod]
    public void Numbers_that_are_none_are_null()
    {
        var (data, _) = Write(new()
        {
            Stages = [new("", [new(1, 1, double.NaN, double.PositiveInfinity, 0.5, double.NegativeInfinity, null, 1, default, default)])],
        });

        var epoch = data["epochs"]![0]!;
        Assert.AreEqual(0.5, (double)epoch["trainAccuracy"]!);
        foreach (var name in new[] { "learningRate", "trainLoss", "validationLoss", "validationAccuracy" })
            Assert.IsTrue(epoch.AsObject().ContainsKey(name) && epoch[name] is null, name);
    }

    [TestMethod]
    public void Parts_that_cannot_be_made_are_left_out_and_the_report_says_why()
    {
        var (data, summary) = Write(new()
        {
            Recipe = TrainingRecipe.Tutorial,
            TrainingData = ML.Data.LoadFromEnumerable(new[] { new { Label = "red" } }),
            DataCheckProblem = "A link leads nowhere.",
        });

        StringAssert.Contains(summary.BatchProblem, "There is no column 'Features'");
        Assert.AreEqual(summary.BatchProblem, (string)data["batchProblem"]!);
        Assert.IsEmpty(data["batch"]!.AsArray());
        Assert.AreEqual("A link leads nowhere.", (string)data["findingsProblem"]!);
    }

    [TestMethod]
    public void A_training_batch_is_read_as_the_network_reads_its_columns()
    {
        using var network = new ResNetTransformer(new MLContext(seed: 1), ExportedModel.Tiny(),
            new("Features", "Label", "Score", "PredictedLabel", PixelLayout.Planar, ChannelOrder.Bgr));
        var reds = ML.Data.LoadFromEnumerable(Enumerable.Range(0, 4).Select(_ => new TinyImage
        {
            Label = "red",
            Features = [.. new byte[128], .. Enumerable.Repeat((byte)250, 64)],
        }));
        var path = Path.Combine(ImageSamples.NewFolder(), "report.html");
        ML.Model.SaveResNetReport(network, reds, path, new()
        {
            Recipe = TrainingRecipe.Tutorial with { Augmentation = AugmentationPolicy.None },
            TrainingData = reds,
        });

        using var picture = SKBitmap.Decode(Convert.FromBase64String((string)Data(path)["batch"]![0]!["image"]!));
        Assert.IsTrue(picture.GetPixel(4, 4) is { Red: > 200, Blue: < 50 }, $"{picture.GetPixel(4, 4)}");
    }

    [TestMethod]
    public void Five_thousand_images_with_long_names_in_other_letters_need_less_than_5_MB()
    {
        var noise = new Random(1);
        var images = ML.Data.LoadFromEnumerable(Enumerable.Range(0, 5_000).Select(row =>
        {
            var image = new Noise { Label = row % 2 == 0 ? "red" : "green", ImagePath = $"{new string('猫', 250)}/{row}.png" };
            noise.NextBytes(image.Features);
            return image;
        }).ToList());
        var path = Path.Combine(ImageSamples.NewFolder(), "report.html");
        var options = TinyImages.Options(epochs: 1);
        using var network = ML.MulticlassClassification.Trainers.ResNet(options).Fit(
            ML.Transforms.Conversion.MapValueToKey("Label").Fit(images).Transform(ML.Data.TakeRows(images, 64)));
        var summary = ML.Model.SaveResNetReport(network, images, path);

        Assert.AreEqual(5_000, summary.ImageCount);
        Assert.IsLessThan(5_000_000, new FileInfo(path).Length);
        var rows = Data(path)["rows"]!;
        Assert.IsGreaterThan(500, rows["thumbnails"]!.AsArray().Count(thumbnail => thumbnail is not null));
        Assert.AreEqual(5_000, rows["names"]!.AsArray().Select(name => (string)name!).Distinct().Count());
    }

    [TestMethod]
    public void Nothing_to_measure_is_said_and_an_older_file_stays()
    {
        var path = ImageSamples.NewFile("report.html", [1, 2, 3]);
        var strangers = ML.Data.LoadFromEnumerable(TinyImages.Rows(3)
            .Select(row => new TinyImage { Features = row.Features, Label = "?" }));

        var error = Assert.ThrowsExactly<InvalidDataException>(() => ML.Model.SaveResNetReport(_model, strangers, path));

        StringAssert.Contains(error.Message, "3 are of other classes");
        CollectionAssert.AreEqual(new byte[] { 1, 2, 3 }, File.ReadAllBytes(path));
    }

    private static (JsonNode Data, ResNetReportSummary Summary) Write(ResNetReportOptions options)
    {
        var path = Path.Combine(ImageSamples.NewFolder(), "report.html");
        var summary = ML.Model.SaveResNetReport(_model, _files, path, options);
        var text = File.ReadAllText(path);
        Assert.DoesNotContain("{{", text);
        Assert.DoesNotMatchRegex(@"rgb\(1,2,\d+\)", text, "A plot has a colour of its own.");
        return (Data(path), summary);
    }

    private static JsonNode Data(string path)
        => JsonNode.Parse(Regex.Match(File.ReadAllText(path), "<script type=\"application/json\" id=\"data\">(.*?)</script>").Groups[1]
            .Value)!;

    private sealed class Noise
    {
        [Microsoft.ML.Data.VectorType(3, 32, 32)]
        public byte[] Features { get; set; } = new byte[3 * 32 * 32];

        public string Label { get; set; } = "";

        public string ImagePath { get; set; } = "";
    }
}
