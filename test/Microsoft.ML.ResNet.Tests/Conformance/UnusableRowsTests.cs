using Microsoft.ML.Data;

namespace Microsoft.ML.ResNet.Tests.Conformance;

/// <summary>Rows that cannot be used: left out and counted in training, scored as missing and never as the row before.</summary>
[TestClass]
public class UnusableRowsTests
{
    private static readonly byte[][] Unreadable = [[], [1, 2, 3], ImageRows.Create(1)[0].Encoded[..60]];

    [TestMethod]
    public void Training_leaves_out_missing_labels_and_unreadable_images_and_counts_them()
    {
        var (ml, log) = Logged();
        var good = ImageRows.Create(9);
        List<ImageRow> rows = [.. good];
        rows.Insert(0, new ImageRow { Encoded = good[0].Encoded, Key = ImageRow.NoKey });
        rows.Insert(4, new ImageRow { Encoded = good[1].Encoded, Key = ImageRow.NoKey });
        foreach (var bytes in Unreadable)
            rows.Insert(rows.Count / 2, new ImageRow { Encoded = bytes, Key = 2 });

        using var model = ImageRows.Trainer(ml, nameof(ImageRow.Encoded)).Fit(Keyed(ml, rows));
        using var expected = ImageRows.Trainer(ml, nameof(ImageRow.Encoded)).Fit(Keyed(ml, good));

        Scores.AssertSame(Scores.Read(ml, expected.Transform(Keyed(ml, good))), Scores.Read(ml, model.Transform(Keyed(ml, good))),
            "as if they were not there");
        AssertWarned(log, "2 rows have a missing label");
        AssertWarned(log, "3 rows have an image that is missing or cannot be read (row ");
        AssertWarned(log, "expected an encoded image, found no bytes");
    }

    [TestMethod]
    public void The_first_reasons_are_told_and_the_others_counted()
    {
        var (ml, log) = Logged();
        var good = ImageRows.Create(9);
        List<ImageRow> rows = [.. good, .. Enumerable.Range(0, 5).Select(_ => new ImageRow { Encoded = [1, 2], Key = 1 })];

        using var model = ImageRows.Trainer(ml, nameof(ImageRow.Encoded)).Fit(Keyed(ml, rows));

        AssertWarned(log, "5 rows have an image that is missing or cannot be read (row 9: expected an image in a format that Skia decodes");
        AssertWarned(log, "; row 11: ");
        AssertWarned(log, "; and 2 more)");
    }

    [TestMethod]
    public void Scoring_tells_once_a_view_how_many_images_could_not_be_read_and_why()
    {
        var (ml, log) = Logged();
        var good = ImageRows.Create(9);
        using var model = ImageRows.Trainer(ml, nameof(ImageRow.Encoded)).Fit(Keyed(ml, good));
        var mixed = Keyed(ml, [good[0], new ImageRow { Encoded = [] }, .. Enumerable.Repeat(new ImageRow { Encoded = [1] }, 200)]);
        log.Clear();

        var view = model.Transform(mixed);
        Scores.Read(ml, view);
        Scores.Read(ml, view);
        Scores.Read(ml, model.Transform(Keyed(ml, good)));

        var warnings = log.Where(line => line.StartsWith("Warning", StringComparison.Ordinal)).ToList();
        Assert.HasCount(1, warnings);
        foreach (var part in new[] { "201 images could not be read", "NaN", "row 1: expected an encoded image, found no bytes", "row 2: ",
            "and 198 more" })
            StringAssert.Contains(warnings[0], part, StringComparison.Ordinal);
    }

    [TestMethod]
    public void Scoring_gives_NaN_and_a_missing_label_for_unreadable_images_and_spares_the_others()
    {
        var ml = new MLContext(seed: 1);
        var good = ImageRows.Create(9);
        using var model = ImageRows.Trainer(ml, nameof(ImageRow.Encoded)).Fit(Keyed(ml, good));
        var expected = Scores.Read(ml, model.Transform(Keyed(ml, good)));

        var mixed = good.SelectMany((row, index) => new[] { row, new ImageRow { Encoded = Unreadable[index % Unreadable.Length] } });
        var scored = Scores.Read(ml, model.Transform(Keyed(ml, mixed)));

        Scores.AssertSame(expected, [.. scored.Where((_, index) => index % 2 == 0)], "readable images");
        Assert.IsTrue(scored.Where((_, index) => index % 2 == 1).All(IsMissing), "unreadable images");
    }

    [TestMethod]
    public void A_missing_file_behind_a_pipeline_is_named()
    {
        var ml = new MLContext(seed: 1);
        var rows = ImageRows.Create(40);
        rows[30].Path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid()}.png");

        var error = Assert.Throws<IOException>(() => ImageRows.Trainer(ml, "Raw").Fit(ImageRows.View(ml, rows)));

        StringAssert.Contains(error.Message, rows[30].Path, StringComparison.Ordinal);
    }

    [TestMethod]
    public void Images_without_a_file_score_as_missing()
    {
        var ml = new MLContext(seed: 1);
        using var model = ImageRows.Trainer(ml, "Image").Fit(ImageRows.View(ml, 9));
        var rows = ImageRows.Create(4);
        rows[1].Path = rows[3].Path = "";

        var scored = Scores.Read(ml, model.Transform(ImageRows.View(ml, rows)));

        CollectionAssert.AreEqual(new[] { false, true, false, true }, scored.Select(IsMissing).ToArray());
    }

    [TestMethod]
    public void Pixels_that_are_not_numbers_score_as_missing()
    {
        var ml = new MLContext(seed: 1);
        using var model = ImageRows.Trainer(ml, nameof(ImageRow.Floats)).Fit(ImageRows.View(ml, 9));
        var rows = ImageRows.Create(4);
        rows[0].Floats[7] = float.NaN;
        rows[2].Floats[191] = float.PositiveInfinity;

        var scored = Scores.Read(ml, model.Transform(ImageRows.View(ml, rows)));

        CollectionAssert.AreEqual(new[] { true, false, true, false }, scored.Select(IsMissing).ToArray());
    }

    [TestMethod]
    public void A_prediction_engine_forgets_the_image_before_an_unreadable_one()
    {
        var (ml, log) = Logged();
        var good = ImageRows.Create(9);
        using var model = ImageRows.Trainer(ml, nameof(ImageRow.Encoded)).Fit(Keyed(ml, good));
        using var engine =
            ml.Model.CreatePredictionEngine<FileRow, ScoredRow>(model, new PredictionEngineOptions { OwnsTransformer = false });
        var reused = new ScoredRow();
        log.Clear();
        foreach (var bytes in Unreadable)
        {
            engine.Predict(new FileRow { Encoded = good[0].Encoded }, ref reused);
            Assert.IsFalse(IsMissing(reused));
            engine.Predict(new FileRow { Encoded = bytes }, ref reused);
            Assert.IsTrue(IsMissing(reused), $"{bytes.Length} bytes that are no image");
        }
        AssertWarned(log, "row 1: expected an encoded image, found no bytes");
        Assert.HasCount(1, log.Where(line => line.StartsWith("Warning", StringComparison.Ordinal)).ToList());
    }

    [TestMethod]
    public void Weights_steer_the_fit_and_rows_of_weight_zero_are_left_out()
    {
        var (ml, log) = Logged();
        var rows = ImageRows.Create(30);
        List<ImageRow> withLies = [.. rows];
        foreach (var (row, weight) in rows.Zip([0f, -1f, float.NaN, float.PositiveInfinity, 0f]))
            withLies.Add(new ImageRow { Planar = row.Planar, Key = (row.Key + 1) % 3, Weight = weight });

        using var unweighted = ImageRows.Trainer(ml).Fit(Keyed(ml, rows));
        using var weighted = Weighted(ml).Fit(Keyed(ml, withLies));

        Scores.AssertSame(Scores.Read(ml, unweighted.Transform(Keyed(ml, rows))), Scores.Read(ml, weighted.Transform(Keyed(ml, rows))),
            "lies of weight 0", tolerance: 1e-4f);
        AssertWarned(log, "5 rows have a weight that is not above 0");
    }

    [TestMethod]
    public void A_heavy_row_wins_against_a_light_one_with_the_same_image()
    {
        var ml = new MLContext(seed: 1);
        var truth = ImageRows.Create(30);
        var lies = truth.Select(row => new ImageRow { Planar = row.Planar, Key = (row.Key + 1) % 3 }).ToList();
        foreach (var (heavy, light) in new[] { (truth, lies), (lies, truth) })
        {
            heavy.ForEach(row => row.Weight = 20);
            light.ForEach(row => row.Weight = 0.5f);
            using var model = Weighted(ml, epochs: 4).Fit(Keyed(ml, heavy.Concat(light)));
            Assert.IsGreaterThan(0.8, Scores.Accuracy(ml, model.Transform(Keyed(ml, heavy))), "accuracy by the heavy rows");
        }
    }

    [TestMethod]
    public void Equal_weights_change_nothing_whatever_they_are()
    {
        var ml = new MLContext(seed: 1);
        var rows = ImageRows.Create(20);
        rows.ForEach(row => row.Weight = 7);
        using var unweighted = ImageRows.Trainer(ml).Fit(Keyed(ml, rows));
        using var weighted = Weighted(ml).Fit(Keyed(ml, rows));
        Scores.AssertSame(Scores.Read(ml, unweighted.Transform(Keyed(ml, rows))), Scores.Read(ml, weighted.Transform(Keyed(ml, rows))),
            "weight 7", tolerance: 1e-4f);
    }

    private static ResNetTrainer Weighted(MLContext ml, int epochs = 1)
        => ImageRows.Trainer(ml, epochs: epochs, change: options => options.ExampleWeightColumnName = nameof(ImageRow.Weight));

    private static IDataView Keyed(MLContext ml, IEnumerable<ImageRow> rows)
    {
        var data = ml.Data.LoadFromEnumerable(rows.ToList());
        return ml.Transforms.CopyColumns("Label", nameof(ImageRow.Key)).Fit(data).Transform(data);
    }

    private static bool IsMissing(ScoredRow row) => row.PredictedLabel == 0 && row.Score.Length == 3 && row.Score.All(float.IsNaN);

    private static (MLContext Context, List<string> Log) Logged()
    {
        var ml = new MLContext(seed: 1);
        var log = new List<string>();
        ml.Log += (_, e) => log.Add($"{e.Kind}: {e.Message}");
        return (ml, log);
    }

    private static void AssertWarned(List<string> log, string part)
        => Assert.IsTrue(log.Any(line => line.StartsWith("Warning", StringComparison.Ordinal)
            && line.Contains(part, StringComparison.Ordinal)),
            $"A warning with '{part}' was expected, got "
            + $"{string.Join(" | ", log.Where(line => line.StartsWith("Warning", StringComparison.Ordinal)))}.");

    private sealed class FileRow
    {
        public byte[] Encoded { get; set; } = [];
    }
}
