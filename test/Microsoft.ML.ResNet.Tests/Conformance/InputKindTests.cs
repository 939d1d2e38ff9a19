using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Tests.Images;
using Microsoft.ML.ResNet.Tests.Support;
using Microsoft.ML.Transforms.Image;

namespace Microsoft.ML.ResNet.Tests.Conformance;

/// <summary>The same pixels give the same scores, in whatever kind of column they come.</summary>
[TestClass]
public class InputKindTests
{
    public static IEnumerable<object[]> Columns => ImageRows.Columns.Select(column => new object[] { column });

    [TestMethod]
    [DynamicData(nameof(Columns))]
    public void A_model_fitted_on_one_kind_scores_every_other_kind_alike(string fitted)
    {
        var ml = new MLContext(seed: 1);
        var data = ImageRows.View(ml, 9);
        using var model = ImageRows.Trainer(ml, fitted).Fit(data);
        using var reference = ImageRows.Trainer(ml, nameof(ImageRow.Planar)).Fit(data);
        var expected = Scores.Read(ml, reference.Transform(data));
        foreach (var column in ImageRows.Columns)
        {
            var view = column == fitted ? data : ml.Transforms.CopyColumns(fitted, column).Fit(data).Transform(data);
            Scores.AssertSame(expected, Scores.Read(ml, model.Transform(view)), $"fitted on {fitted}, scored from {column}");
        }
    }

    [TestMethod]
    public void A_prediction_engine_takes_images_from_memory_and_leaves_them_alive()
    {
        var ml = new MLContext(seed: 1);
        var data = ImageRows.View(ml, 9);
        using var model = ImageRows.Trainer(ml, "Image").Fit(data);
        var expected = Scores.Read(ml, model.Transform(data));
        using var engine =
            ml.Model.CreatePredictionEngine<ImageInMemory, ScoredRow>(model, new PredictionEngineOptions { OwnsTransformer = false });
        var images = ImageRows.Create(9)
            .Select(row => new ImageInMemory { Image = MLImage.CreateFromStream(new MemoryStream(row.Encoded)) }).ToList();

        Scores.AssertSame(expected, [.. images.Select(image => engine.Predict(image))], "images in memory");
        Scores.AssertSame(expected, [.. images.Select(image => engine.Predict(image))], "the same images again");
        images.ForEach(image => image.Image!.Dispose());
    }

    [TestMethod]
    public void Images_in_memory_survive_Fit_and_Transform()
    {
        var ml = new MLContext(seed: 1);
        var rows = ImageRows.Create(9)
            .Select(row => new ImageInMemory { Key = row.Key, Image = MLImage.CreateFromStream(new MemoryStream(row.Encoded)) }).ToList();
        var data = ml.Transforms.CopyColumns("Label", "Key").Fit(ml.Data.LoadFromEnumerable(rows))
            .Transform(ml.Data.LoadFromEnumerable(rows));
        using var model = ImageRows.Trainer(ml, "Image").Fit(data);

        var (first, second) = (Scores.Read(ml, model.Transform(data)), Scores.Read(ml, model.Transform(data)));

        Scores.AssertSame(first, second, "a second reading");
        Assert.IsTrue(rows.All(row => row.Image!.Width == 8), "no image was disposed");
        rows.ForEach(row => row.Image!.Dispose());
    }

    [TestMethod]
    [DataRow(nameof(ImageRow.Encoded))]
    [DataRow("Image")]
    public void Images_of_differing_sizes_take_the_size_of_the_options_or_else_of_the_first(string column)
    {
        var ml = new MLContext(seed: 1);
        var rows = ImageRows.Create(9);
        foreach (var (row, index) in rows.Skip(1).Select((row, index) => (row, index)))
        {
            row.Encoded = ImageSamples.Plain((byte)(index * 20), width: 5 + index, height: 20 - index);
            File.WriteAllBytes(row.Path = Path.Combine(TestAssembly.TemporaryFolder, $"sizes-{index}.png"), row.Encoded);
        }
        var data = ImageRows.View(ml, rows);

        using var first = ImageRows.Trainer(ml, column).Fit(data);
        using var chosen = ImageRows.Trainer(ml, column, change: options => (options.ImageHeight, options.ImageWidth) = (10, 12)).Fit(data);

        Assert.AreEqual(new ImageShape(3, 8, 8), first.Model.ImageShape);
        Assert.AreEqual(new ImageShape(3, 10, 12), chosen.Model.ImageShape);
        Assert.IsTrue(Scores.Read(ml, chosen.Transform(data)).All(row => row.Score.Sum() is > 0.999f and < 1.001f));
    }

    [TestMethod]
    public void A_wide_picture_scores_alike_from_a_folder_a_file_an_image_and_one_by_one()
    {
        var ml = new MLContext(seed: 1);
        var random = new Random(1);
        var folder = ImageSamples.FolderOf(
            [.. Enumerable.Range(0, 8).Select(i => ($"{(i < 4 ? "lines" : "plain")}/{i}.png", Strip(i < 4)))]);
        var files = Directory.GetFiles(folder, "*.png", SearchOption.AllDirectories).Order(StringComparer.Ordinal).ToList();
        var loaded = ml.Data.LoadFromImageFolder(folder, new ImageFolderOptions { Height = 16, Width = 16 });
        var data = ml.Transforms.Conversion.MapValueToKey("Label").Fit(loaded).Transform(loaded);
        using var model = ImageRows.Trainer(ml, "Features", epochs: 2).Fit(data);
        var expected = Scores.Read(ml, model.Transform(data));
        Assert.IsGreaterThan(1, expected.Select(row => row.Score[0]).Distinct().Count(), "pictures that score differently");

        var paths = ml.Data.LoadFromEnumerable(files.ConvertAll(file => new PathRow { Path = file }));
        var raw = ml.Transforms.LoadRawImageBytes("Features", imageFolder: null, "Path").Fit(paths).Transform(paths);
        var images = ml.Transforms.LoadImages("Features", imageFolder: null, "Path").Fit(paths).Transform(paths);
        Scores.AssertSame(expected, Scores.Read(ml, model.Transform(raw)), "LoadRawImageBytes");
        Scores.AssertSame(expected, Scores.Read(ml, model.Transform(images)), "LoadImages");
        using var engine =
            ml.Model.CreatePredictionEngine<FileRow, ScoredRow>(model, new PredictionEngineOptions { OwnsTransformer = false });
        var oneByOne = files.ConvertAll(file => engine.Predict(new FileRow { Features = File.ReadAllBytes(file) }));
        Scores.AssertSame(expected, oneByOne, "PredictionEngine");

        byte[] Strip(bool lines) => ImageSamples.Encode(400, 50, (_, y) =>
        {
            var value = (byte)(random.Next(60, 160) + (lines && y / 5 % 2 == 0 ? 60 : 0));
            return new SkiaSharp.SKColor(value, value, value);
        });
    }

    [TestMethod]
    public void Grey_is_a_matter_of_one_option_for_files_and_images()
    {
        var ml = new MLContext(seed: 1);
        var data = ImageRows.View(ml, 9);
        foreach (var column in new[] { nameof(ImageRow.Encoded), "Image" })
        {
            using var model = ImageRows.Trainer(ml, column, change: options => options.ImageChannels = 1).Fit(data);
            Assert.AreEqual(new ImageShape(1, 8, 8), model.Model.ImageShape);

            var error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(
                () => ImageRows.Trainer(ml, column, change: options => options.ImageChannels = 4).Fit(data));
            StringAssert.Contains(error.Message, "gives 1 or 3 channels, not 4");
        }
    }

    [TestMethod]
    public void A_cached_view_without_its_images_is_an_error_that_says_why()
    {
        var ml = new MLContext(seed: 1);
        var cached = ml.Data.Cache(ImageRows.View(ml, 9));
        var error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => ImageRows.Trainer(ml, "Image").Fit(cached));
        StringAssert.Contains(error.Message, "Could not find feature column 'Image'");
        StringAssert.Contains(error.Message, "Cache");
    }

    private sealed class PathRow
    {
        public string Path { get; set; } = "";
    }

    private sealed class FileRow
    {
        public byte[] Features { get; set; } = [];
    }

    private sealed class ImageInMemory
    {
        [ImageType(8, 8)]
        public MLImage? Image { get; set; }

        [KeyType(3)]
        public uint Key { get; set; }
    }
}
