using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Tests.Support;

namespace Microsoft.ML.ResNet.Tests.Conformance;

/// <content>The complaints about scoring, and about who owns what.</content>
public partial class ComplaintTests
{
    [TestMethod]
    public void Issue_4350_a_bad_image_never_scores_as_the_one_before_it()
    {
        var rows = ImageRows.Create(6);
        using var model = ImageRows.Trainer(_ml, "Encoded").Fit(Keyed(rows));
        rows[3].Encoded = [1, 2, 3];
        var scored = Scores.Read(_ml, model.Transform(Keyed(rows)));
        Assert.AreEqual(0u, scored[3].PredictedLabel);
        Assert.IsTrue(scored[3].Score.All(float.IsNaN));
    }

    [TestMethod]
    public void Issue_6233_both_orders_of_an_images_bytes_are_understood()
    {
        var pixels = Enumerable.Range(0, 256).Select(i => (byte)i).ToArray();
        var swapped = Enumerable.Range(0, 256).Select(i => pixels[i % 4 is 0 or 2 ? i ^ 2 : i]).ToArray();
        using var rgba = MLImage.CreateFromPixels(8, 8, MLPixelFormat.Rgba32, pixels);
        using var bgra = MLImage.CreateFromPixels(8, 8, MLPixelFormat.Bgra32, swapped);
        using var model = ImageRows.Trainer(_ml, "Image").Fit(ImageRows.View(_ml, 9));
        using var engine =
            _ml.Model.CreatePredictionEngine<InMemory, ScoredRow>(model, new PredictionEngineOptions { OwnsTransformer = false });
        Scores.AssertSame([engine.Predict(new() { Image = rgba })], [engine.Predict(new() { Image = bgra })], "RGBA and BGRA");
    }

    [TestMethod]
    public void Issue_5945_a_shared_model_survives_its_engines()
    {
        using var model = ImageRows.Trainer(_ml).Fit(Keyed(ImageRows.Create(6)));
        for (var i = 0; i < 3; i++)
        {
            using var engine =
                _ml.Model.CreatePredictionEngine<ImageRow, ScoredRow>(model, new PredictionEngineOptions { OwnsTransformer = false });
            Assert.AreEqual(1, engine.Predict(ImageRows.Create(1)[0]).Score.Sum(), 1e-5);
        }
    }

    [TestMethod]
    public void Issue_6941_a_model_loads_and_scores_after_another_was_finalised_undisposed()
    {
        var data = Keyed(ImageRows.Create(6));
        using var file = new MemoryStream();
        using (var model = ImageRows.Trainer(_ml).Fit(data))
            _ml.Model.Save(model, data.Schema, file);
        List<ScoredRow> first = LoadAndScore(), second = LoadAndScore();
        Scores.AssertSame(first, second, "after garbage collection");

        List<ScoredRow> LoadAndScore()
        {
            file.Position = 0;
            var scores = Scores.Read(_ml, _ml.Model.Load(file, out _).Transform(data));
            GC.Collect();
            GC.WaitForPendingFinalizers();
            return scores;
        }
    }

    [TestMethod]
    public void Issue_MB1350_the_score_column_names_the_class_of_each_slot()
    {
        var data = ImageRows.View(_ml, 9);
        using var model = ImageRows.Trainer(_ml).Fit(data);
        VBuffer<ReadOnlyMemory<char>> slots = default;
        model.GetOutputSchema(data.Schema)["Score"].GetSlotNames(ref slots);
        CollectionAssert.AreEqual(TinyImages.Classes, slots.DenseValues().Select(slot => slot.ToString()).ToArray());
    }

    [TestMethod]
    public void Issue_7444_images_belong_to_the_caller_before_and_after_scoring()
    {
        using var image = MLImage.CreateFromStream(new MemoryStream(ImageRows.Create(1)[0].Encoded));
        using var model = ImageRows.Trainer(_ml, "Image").Fit(ImageRows.View(_ml, 9));
        using (var engine = _ml.Model.CreatePredictionEngine<InMemory, ScoredRow>(model,
            new PredictionEngineOptions { OwnsTransformer = false }))
            engine.Predict(new() { Image = image });
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.HasCount(8 * 8 * 4, image.Pixels.ToArray());
    }

    [TestMethod]
    public void Issue_4585_the_files_of_a_model_and_of_images_are_free_afterwards()
    {
        var rows = ImageRows.Create(6, seed: 77);
        var data = ImageRows.View(_ml, rows);
        var path = Path.Combine(TestAssembly.TemporaryFolder, "free.zip");
        using (var model = ImageRows.Trainer(_ml, "Image").Fit(data))
            _ml.Model.Save(model, data.Schema, path);
        using var loaded = (IDisposable)_ml.Model.Load(path, out _);
        foreach (var file in rows.Select(row => row.Path).Append(path))
            using (File.Open(file, FileMode.Open, FileAccess.ReadWrite, FileShare.None))
            {
                // Opened alone: nobody else holds it.
            }
    }

    private sealed class InMemory
    {
        [Transforms.Image.ImageType(8, 8)]
        public MLImage? Image { get; set; }
    }
}
