using Microsoft.ML.ResNet.Tests.Images;
using SkiaSharp;

namespace Microsoft.ML.ResNet.Tests.Conformance;

/// <summary>
/// What users complained about in dotnet/machinelearning, one test each, named after the issue. Prefix: <c>MB</c> for
/// machinelearning-modelbuilder, <c>S</c> for machinelearning-samples. What other classes of this folder test at length is here in brief.
/// </summary>
[TestClass]
public partial class ComplaintTests
{
    private readonly MLContext _ml = new(seed: 1);

    [TestMethod] // an hour of "bottleneck" at 299 x 299 for images of 64 x 36
    public void Issue_5392_images_train_at_their_own_size_on_a_net_that_fits()
    {
        var rows = Enumerable.Range(0, 12)
            .Select(row => new ImageRow
            {
                Encoded = ImageSamples.Plain((byte)(row % 2 * 200), width: 64, height: 36),
                Key = (uint)(row % 2)
            }).ToList();
        using var model = ImageRows.Trainer(_ml, "Encoded").Fit(Keyed(rows));
        Assert.AreEqual(new ImageShape(3, 36, 64), model.Model.ImageShape);
        Assert.IsLessThan(100_000, model.Model.ParameterCount);
    }

    [TestMethod]
    public void Issue_S200_a_network_trains_from_scratch_without_any_file()
    {
        using var model = ImageRows.Trainer(_ml, epochs: 4).Fit(Keyed(ImageRows.Create(90)));
        Assert.IsGreaterThan(0.9, Scores.Accuracy(_ml, model.Transform(Keyed(ImageRows.Create(30, seed: 5)))));
    }

    [TestMethod]
    public void Issue_5723_four_kinds_of_column_are_images_and_text_is_told_what_to_be()
    {
        var data = ImageRows.View(_ml, 6);
        foreach (var column in ImageRows.Columns)
            ImageRows.Trainer(_ml, column).Fit(data).Dispose();
        var error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => ImageRows.Trainer(_ml, "Path").Fit(data));
        foreach (var part in new[] { "Vector<Byte>", "Vector<Single>", "Image", "VarVector<Byte>", "got String", "LoadRawImageBytes" })
            StringAssert.Contains(error.Message, part);
    }

    [TestMethod]
    [DataRow(SKEncodedImageFormat.Png)]
    [DataRow(SKEncodedImageFormat.Jpeg)]
    [DataRow(SKEncodedImageFormat.Webp)]
    public void Issue_4152_training_takes_what_Skia_decodes(SKEncodedImageFormat format)
    {
        var rows = ImageRows.Create(9);
        rows.ForEach(row => row.Encoded = ImageSamples.Encode(8, 8, (x, y) => new SKColor(row.Planar[y * 8 + x], 0, 0), format));
        using var model = ImageRows.Trainer(_ml, "Encoded").Fit(Keyed(rows));
        Assert.IsTrue(Scores.Read(_ml, model.Transform(Keyed(rows))).All(row => row.PredictedLabel > 0));
    }

    [TestMethod]
    public void Issue_4152_a_bmp_file_trains_as_well_as_any_other()
    {
        var rows = ImageRows.Create(9);
        rows.ForEach(row => row.Encoded = Bmp(row.Planar));
        using var model = ImageRows.Trainer(_ml, "Encoded").Fit(Keyed(rows));
        using var expected = ImageRows.Trainer(_ml).Fit(Keyed(rows));
        Scores.AssertSame(Scores.Read(_ml, expected.Transform(Keyed(rows))), Scores.Read(_ml, model.Transform(Keyed(rows))), "BMP");
    }

    [TestMethod]
    [DataRow(2)]
    [DataRow(17)]
    public void Issue_6876_a_set_smaller_than_a_batch_and_a_last_batch_of_one_still_train(int rows)
    {
        EpochReport? report = null;
        using var model = ImageRows.Trainer(_ml, change: options => options.MetricsCallback = r => report = r)
            .Fit(Keyed(ImageRows.Create(rows)));
        Assert.IsTrue(double.IsFinite(report!.TrainLoss));
        Assert.IsTrue(Scores.Read(_ml, model.Transform(Keyed(ImageRows.Create(rows)))).All(row => row.Score.All(float.IsFinite)));
    }

    [TestMethod]
    public void Issue_5397_the_log_says_which_device_is_used()
    {
        var log = new List<string>();
        _ml.Log += (_, e) => log.Add(e.Message);
        ImageRows.Trainer(_ml).Fit(Keyed(ImageRows.Create(6))).Dispose();
        Assert.IsTrue(log.Any(line => line.Contains(" on cpu ", StringComparison.Ordinal)));
    }

    [TestMethod]
    public void Issue_3752_every_epoch_reports_both_sets_to_a_callback_that_may_keep_the_reports()
    {
        var reports = new List<EpochReport>();
        ImageRows.Trainer(_ml, epochs: 3, change: options => options.MetricsCallback = reports.Add)
            .Fit(Keyed(ImageRows.Create(20)), Keyed(ImageRows.Create(10, seed: 3))).Dispose();
        CollectionAssert.AreEqual(new[] { 1, 2, 3 }, reports.Select(report => report.Epoch).ToArray());
        Assert.HasCount(3, reports.Select(report => report.TrainLoss).Distinct(), "a fresh object each time");
        Assert.HasCount(3, reports.Select(report => report.ValidationLoss).Distinct(), "validation is measured each time");
    }

    [TestMethod]
    public void Issue_4395_rows_sorted_by_class_train_as_well_as_mixed_ones()
    {
        using var model = ImageRows.Trainer(_ml, epochs: 4).Fit(Keyed([.. ImageRows.Create(90).OrderBy(row => row.Key)]));
        Assert.IsGreaterThan(0.9, Scores.Accuracy(_ml, model.Transform(Keyed(ImageRows.Create(30, seed: 5)))));
    }

    [TestMethod]
    public void Issue_5434_the_same_seed_gives_the_same_scores()
    {
        var data = Keyed(ImageRows.Create(20));
        using ResNetTransformer first = Fit(1), second = Fit(1), other = Fit(2);
        Scores.AssertSame(Scores.Read(_ml, first.Transform(data)), Scores.Read(_ml, second.Transform(data)), "seed 1 twice", tolerance: 0);
        Assert.AreNotEqual(Scores.Read(_ml, first.Transform(data))[0].Score[0], Scores.Read(_ml, other.Transform(data))[0].Score[0]);

        ResNetTransformer Fit(int seed) => ImageRows.Trainer(new MLContext(), change: options => options.Seed = seed).Fit(data);
    }

    [TestMethod]
    public void Issue_6534_a_missing_label_is_left_out()
    {
        var rows = ImageRows.Create(7);
        rows[2].Key = ImageRow.NoKey;
        ImageRows.Trainer(_ml).Fit(Keyed(rows)).Dispose();
    }

    [TestMethod]
    public void Issue_MB2718_an_estimator_fits_again_with_more_classes()
    {
        var trainer = ImageRows.Trainer(_ml);
        using var two = trainer.Fit(ImageRows.View(_ml, ImageRows.Create(9).Where(row => row.Key < 2)));
        using var three = trainer.Fit(ImageRows.View(_ml, 9));
        Assert.AreEqual((2, 3), (two.Model.ClassNames.Count, three.Model.ClassNames.Count));
    }

    [TestMethod]
    public void Issue_6573_one_class_is_refused_by_Fit_and_not_by_Evaluate()
        => Assert.ThrowsExactly<InvalidOperationException>(() => ImageRows.Trainer(_ml)
            .Fit(ImageRows.View(_ml, ImageRows.Create(9).Where(row => row.Key == 1))));

    [TestMethod]
    public void Issue_5938_the_best_weights_are_kept_and_not_the_last()
    {
        var reports = new List<EpochReport>();
        var liars = ImageRows.Create(30, seed: 2);
        liars.ForEach(row => row.Key = (row.Key + 1) % 3); // the better the fit, the worse on these
        using var model = ImageRows.Trainer(_ml, epochs: 4, change: options => options.MetricsCallback = reports.Add)
            .Fit(Keyed(ImageRows.Create(60)), Keyed(liars));
        Assert.AreEqual(reports.Max(report => report.ValidationAccuracy)!.Value, Scores.Accuracy(_ml, model.Transform(Keyed(liars))), 1e-9);
        Assert.IsGreaterThan(reports.Min(report => report.ValidationLoss!.Value), reports[^1].ValidationLoss!.Value,
            "the last epoch is not the best");
    }

    [TestMethod]
    public void Issue_4028_a_rare_class_can_be_given_weight()
    {
        // 2 of 42 rows are of the last class
        var rows = ImageRows.Create(60).Where((row, index) => row.Key != 2 || index % 10 == 2).ToList();
        var rare = Keyed(ImageRows.Create(60, seed: 4).Where(row => row.Key == 2).ToList());
        Assert.IsGreaterThan(2 * MeanScoreOfRare(1), MeanScoreOfRare(10));

        double MeanScoreOfRare(float weight)
        {
            rows.ForEach(row => row.Weight = row.Key == 2 ? weight : 1);
            using var model = ImageRows.Trainer(_ml, epochs: 3, change: options => options.ExampleWeightColumnName = "Weight")
                .Fit(Keyed(rows));
            return Scores.Read(_ml, model.Transform(rare)).Average(row => row.Score[2]);
        }
    }

    private IDataView Keyed(List<ImageRow> rows)
    {
        var data = _ml.Data.LoadFromEnumerable(rows);
        return _ml.Transforms.CopyColumns("Label", nameof(ImageRow.Key)).Fit(data).Transform(data);
    }

    /// <summary>A BMP file of 8 x 8 pixels: two headers, then rows from the bottom up, blue first.</summary>
    private static byte[] Bmp(byte[] planar)
    {
        var file = new BinaryWriter(new MemoryStream());
        file.Write("BM"u8);
        foreach (var value in new[] { 54 + 192, 0, 54, 40, 8, 8, 1 | 24 << 16, 0, 192, 2835, 2835, 0, 0 })
            file.Write(value);
        for (var y = 7; y >= 0; y--)
            for (var x = 0; x < 8; x++)
                for (var channel = 2; channel >= 0; channel--)
                    file.Write(planar[channel * 64 + y * 8 + x]);
        return ((MemoryStream)file.BaseStream).ToArray();
    }
}
