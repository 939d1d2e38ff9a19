using Microsoft.ML.ResNet.Tests.Conformance;
using Microsoft.ML.ResNet.Tests.Images;
using Microsoft.ML.ResNet.Tests.Support;
using Microsoft.ML.Transforms.Image;
using SkiaSharp;

namespace Microsoft.ML.ResNet.Tests;

/// <summary>
/// Pictures of any size through training, saving and scoring: one way from a file to pixels, and it travels in the model.
/// </summary>
[TestClass]
public sealed class PictureTests
{
    private static readonly ImageGeometry[] Geometries = [ImageGeometry.Fill, ImageGeometry.CenterCrop, ImageGeometry.Pad,
        ImageGeometry.CenterCrop with { CropRatio = 1, Interpolation = ImageInterpolation.Bicubic }];

    private readonly string _folder = Folder();

    public static IEnumerable<object[]> AllGeometries => Geometries.Select((_, index) => new object[] { index });

    [TestMethod]
    [DynamicData(nameof(AllGeometries))]
    public void Files_decoded_by_the_loader_or_by_the_trainer_give_the_same_model(int geometry)
    {
        using var decoded = Fit(Geometries[geometry], encoded: false);
        using var files = Fit(Geometries[geometry], encoded: true);

        Assert.AreEqual(Geometries[geometry], decoded.Model.ImageGeometry, "the loader told the trainer");
        Assert.AreEqual(Geometries[geometry], files.Model.ImageGeometry);
        AssertSameWeights(decoded, files);
    }

    [TestMethod]
    [DynamicData(nameof(AllGeometries))]
    public void A_loaded_model_scores_files_images_and_rows_alike_to_the_last_bit(int geometry)
    {
        var ml = new MLContext(seed: 1);
        using var trained = Fit(Geometries[geometry], encoded: true);
        var path = Path.Combine(TestAssembly.TemporaryFolder, $"pictures-{Guid.NewGuid():n}.zip");
        ml.Model.SaveResNet(trained, inputSchema: null, path);
        var model = ml.Model.LoadResNet(path, out _);
        using var network = model.FindResNet()!;
        Assert.AreEqual(Geometries[geometry], network.Model.ImageGeometry);

        var files = ml.Data.LoadImageFilesFromFolder(_folder);
        var expected = Scores.Read(ml, trained.Transform(files));
        Scores.AssertSame(expected, Scores.Read(ml, model.Transform(files)), "files");
        var decoded = ml.Data.LoadFromImageFolder(_folder, new() { Height = 12, Width = 12, Geometry = Geometries[geometry] });
        Scores.AssertSame(expected, Scores.Read(ml, model.Transform(decoded)), "pixels of the loader");

        using var engine =
            ml.Model.CreatePredictionEngine<FileRow, ScoredRow>(model, new PredictionEngineOptions { OwnsTransformer = false });
        var rows = ml.Data.CreateEnumerable<FileRow>(files, reuseRowObject: false).ToList();
        Scores.AssertSame(expected, [.. rows.Select(row => engine.Predict(row))], "an engine");

        var images = ml.Data.LoadFromEnumerable(rows.Select(row => new PathRow { Path = row.ImagePath }));
        var loaded = ml.Transforms.LoadImages("Features", imageFolder: "", "Path").Fit(images).Transform(images);
        Scores.AssertSame(expected, Scores.Read(ml, model.Transform(loaded)), "MLImage"); // PNG: ML.NET decodes the same bytes
        var pixels = ml.Transforms.ResizeImages("Same", 40, 24, "Features", ImageResizingEstimator.ResizingKind.Fill)
            .Append(ml.Transforms.ExtractPixels("Pixels", "Same", outputAsFloatArray: false)).Fit(loaded).Transform(loaded);
        var byColumn = ml.Transforms.CopyColumns("Features", "Pixels").Fit(pixels).Transform(pixels);
        Assert.IsTrue(Scores.Read(ml, model.Transform(byColumn)).All(row => row.Score!.All(float.IsFinite)), "vectors of 24 x 40 pixels");
    }

    [TestMethod]
    public void Vectors_of_pixels_of_another_size_become_what_files_of_them_become()
    {
        var ml = new MLContext(seed: 1);
        using var model = Fit(ImageGeometry.CenterCrop, encoded: true);
        var whole = ml.Data.LoadFromImageFolder(Sized(24, 40), new() { Geometry = ImageGeometry.Fill }); // as they are: 24 x 40
        var files = ml.Data.LoadImageFilesFromFolder(Sized(24, 40));

        Scores.AssertSame(Scores.Read(ml, model.Transform(files)), Scores.Read(ml, model.Transform(whole)), "24 x 40");
    }

    [TestMethod]
    public void Photos_that_are_kept_whole_train_the_same_from_memory_and_from_a_file()
    {
        var crop = TinyImages.Options(
            2).Recipe with
        { Augmentation = [new RandomResizedCrop { SmallestArea = 0.3 }, new HorizontalFlip()] };
        using var memory = Fit(ImageGeometry.CenterCrop, encoded: true, options => Change(options, null));
        using var file = Fit(ImageGeometry.CenterCrop, encoded: true, options => Change(options, 0));
        using var plain = Fit(ImageGeometry.CenterCrop, encoded: true, options => options.ValidationSetFraction = 0.3);

        AssertSameWeights(memory, file);
        Assert.AreEqual(new ImageShape(3, 12, 12), memory.Model.ImageShape);
        CollectionAssert.AreNotEqual(Weights(plain), Weights(memory));
        Assert.IsTrue(memory.TrainingHistory.All(report => report.ValidationLoss is { } loss && double.IsFinite(loss)));

        void Change(ResNetTrainer.Options options, int? budget)
            => (options.Recipe, options.ValidationSetFraction, options.ImageMemoryBudgetMiB) = (crop, 0.3, budget);
    }

    [TestMethod]
    public void Whole_photos_are_judged_by_the_part_that_scoring_takes()
    {
        // A validation set of files, decoded at the network's size, against the same rows held out of the whole pictures.
        var reports = new List<EpochReport>();
        var ml = new MLContext(seed: 1);
        var recipe = TinyImages.Options(1).Recipe with { Augmentation = [new RandomResizedCrop { KeptSize = 4 }] };
        using var model = Fit(ImageGeometry.CenterCrop, encoded: true, options =>
        {
            options.Recipe = recipe;
            options.ValidationSet = Keys(ml, ml.Data.LoadImageFilesFromFolder(_folder));
            options.MetricsCallback = reports.Add;
        });
        using var other = Fit(ImageGeometry.CenterCrop, encoded: true, options => options.InitialModel = model.Model);

        var scores = Scores.Read(ml, model.Transform(Keys(ml, ml.Data.LoadImageFilesFromFolder(_folder))));
        var measured = ml.MulticlassClassification.Evaluate(model.Transform(Keys(ml, ml.Data.LoadImageFilesFromFolder(_folder))));
        Assert.AreEqual(measured.LogLoss, reports.Single().ValidationLoss!.Value, 1e-4);
        Assert.AreEqual(ImageGeometry.CenterCrop, other.Model.ImageGeometry, "a model hands its geometry on");
    }

    [TestMethod]
    public void Pictures_take_the_size_and_geometry_of_the_initial_model()
    {
        var ml = new MLContext(seed: 1);
        using var initial = Fit(ImageGeometry.Pad, encoded: true);
        var options = TinyImages.Options(1);
        options.Architecture = new ResNetTrainer.Options().Architecture;
        options.InitialModel = initial.Model;

        using var model = ml.MulticlassClassification.Trainers.ResNet(options).Fit(Keys(ml, ml.Data.LoadImageFilesFromFolder(_folder)));

        Assert.AreEqual(initial.Model.ImageShape, model.Model.ImageShape);
        Assert.AreEqual(ImageGeometry.Pad, model.Model.ImageGeometry);
    }

    // Behind a transform, ML.NET reads rows on several threads and keeps them in batches: of photos, gigabytes.
    [TestMethod]
    public void Files_are_read_as_they_are_decoded_and_not_by_the_hundred_ahead()
    {
        var (ml, read) = (new MLContext(seed: 1), 0);
        using var stop = new CancellationTokenSource();
        var file = Draw(20, 20, 0, new Random(1));
        var rows = Enumerable.Range(0, 5000).Select(row => new LazyRow(Read, "ab"[(row % 2)..][..1]));
        var options = TinyImages.Options(1);
        (options.ImageHeight, options.ImageWidth, options.CancellationToken) = (12, 12, stop.Token);
        var data = Keys(ml, ml.Data.LoadFromEnumerable(rows));

        Assert.ThrowsExactly<OperationCanceledException>(() => ml.MulticlassClassification.Trainers.ResNet(options).Fit(data));

        Assert.IsInRange(10, 50, read);

        byte[] Read()
        {
            if (Interlocked.Increment(ref read) == 10)
                stop.Cancel();
            return file;
        }
    }

    [TestMethod]
    public void Unreadable_files_are_rows_that_are_left_out()
    {
        var log = new List<string>();
        var ml = new MLContext(seed: 1);
        ml.Log += (_, message) => log.Add(message.Message);
        File.WriteAllText(Path.Combine(_folder, "a", "a note.png"), "no picture");
        var options = TinyImages.Options(1);
        (options.ImageHeight, options.ImageWidth) = (12, 12);

        using var model = ml.MulticlassClassification.Trainers.ResNet(options).Fit(Keys(ml, ml.Data.LoadImageFilesFromFolder(_folder)));

        Assert.Contains(line => line.Contains("1 rows have an image that is missing or cannot be read (row 12: expected an image",
            StringComparison.Ordinal), log);
    }

    private ResNetTransformer Fit(ImageGeometry geometry, bool encoded, Action<ResNetTrainer.Options>? change = null)
    {
        var ml = new MLContext(seed: 1);
        var options = TinyImages.Options(1);
        var data = encoded
            ? ml.Data.LoadImageFilesFromFolder(_folder)
            : ml.Data.LoadFromImageFolder(_folder, new() { Height = 12, Width = 12, Geometry = geometry });
        if (encoded)
            (options.ImageHeight, options.ImageWidth, options.ImageGeometry) = (12, 12, geometry);
        change?.Invoke(options);
        if (options.InitialModel is not null)
            options.ImageGeometry = null;
        return ml.MulticlassClassification.Trainers.ResNet(options).Fit(Keys(ml, data));
    }

    private static IDataView Keys(MLContext ml, IDataView data)
        => ml.Transforms.Conversion.MapValueToKey("Label").Fit(data).Transform(data);

    private static float[] Weights(ResNetTransformer model)
        => [.. model.Model.Network.Weights.SelectMany(
            tensor => System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(tensor.Data.Span).ToArray())];

    private static void AssertSameWeights(ResNetTransformer expected, ResNetTransformer found)
        => CollectionAssert.AreEqual(Weights(expected), Weights(found));

    // PNG files of two classes and of many shapes.
    private static string Folder()
    {
        var random = new Random(5);
        return ImageSamples.FolderOf([.. Enumerable.Range(0, 24).Select(index => ($"{"ab"[index % 2]}/{index:00}.png",
            Draw(random.Next(10, 60), random.Next(10, 60), index % 2, random)))]);
    }

    private static string Sized(int height, int width)
    {
        var random = new Random(6);
        return ImageSamples.FolderOf([.. Enumerable.Range(0, 6).Select(index => ($"{"ab"[index % 2]}/{index:00}.png",
            Draw(width, height, index % 2, random)))]);
    }

    private static byte[] Draw(int width, int height, int label, Random random)
        => ImageSamples.Encode(width, height, (x, y) => new SKColor((byte)random.Next(256), (byte)(label * 120 + random.Next(100)),
            (byte)(255 * x / width)));

    private sealed class FileRow
    {
        public byte[] Features { get; set; } = [];

        public string Label { get; set; } = "";

        public string ImagePath { get; set; } = "";
    }

    private sealed class LazyRow(Func<byte[]> read, string label)
    {
        public byte[] Features => read();

        public string Label => label;
    }

    private sealed class PathRow
    {
        public string Path { get; set; } = "";

        public string Label { get; set; } = "a";
    }
}
