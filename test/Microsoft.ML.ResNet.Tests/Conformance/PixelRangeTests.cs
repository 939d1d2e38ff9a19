using Microsoft.ML.ResNet.Images.Columns;

namespace Microsoft.ML.ResNet.Tests.Conformance;

/// <summary>Pixels as numbers of other ranges than 0 to 255: recognised, given or refused, and never rounded away.</summary>
[TestClass]
public class PixelRangeTests
{
    [TestMethod]
    public void Values_around_0_are_grey_in_a_range_that_0_halves_and_suspicious_in_one_that_it_ends()
    {
        float[] grey = [0.5f, 0.5f, -0.5f, 0.5f];
        var values = PixelValues.Of(grey, areAll: true)!.Value;

        Assert.IsTrue(values.Fits(PixelRange.OfExtractPixels(127.5f, 1)));
        Assert.IsTrue(values.Fits(PixelRange.MinusOneToOne));
        Assert.IsFalse(values.Fits(PixelRange.Bytes));
    }

    [TestMethod]
    [DataRow(0f, 1 / 255f)]
    [DataRow(127.5f, 1 / 127.5f)]
    [DataRow(0f, 1f)]
    public void What_ExtractPixels_makes_is_recognised_and_scores_as_the_bytes_do(float offset, float scale)
    {
        var ml = new MLContext(seed: 1);
        var data = Extracted(ml, ImageRows.Create(40), offset, scale);
        using var expected = ImageRows.Trainer(ml).Fit(data);
        using var actual = ImageRows.Trainer(ml, "Scaled").Fit(data);

        var scores = Scores.Read(ml, expected.Transform(data));
        Scores.AssertSame(scores, Scores.Read(ml, actual.Transform(data)), $"offset {offset}, scale {scale}");
        AssertSavesAndLoads(ml, actual, data, scores);
        var bytes = ml.Transforms.CopyColumns("Scaled", nameof(ImageRow.Planar)).Fit(data).Transform(data);
        Scores.AssertSame(scores, Scores.Read(ml, actual.Transform(bytes)), "and bytes are bytes");
    }

    [TestMethod]
    [DataRow(0f, 1f)]
    [DataRow(-1f, 1f)]
    public void Black_and_white_images_score_as_bytes_of_0_and_255_do(float black, float white)
    {
        var ml = new MLContext(seed: 1);
        var rows = ImageRows.Create(40);
        foreach (var row in rows)
        {
            row.Planar = [.. row.Planar.Select(value => (byte)(value < 128 ? 0 : 255))];
            row.Floats = [.. row.Planar.Select(value => value == 0 ? black : white)];
        }
        var data = ImageRows.View(ml, rows);
        using var expected = ImageRows.Trainer(ml).Fit(data);
        using var actual = ImageRows.Trainer(ml, nameof(ImageRow.Floats)).Fit(data);

        var scores = Scores.Read(ml, expected.Transform(data));
        Scores.AssertSame(scores, Scores.Read(ml, actual.Transform(data)), $"{black} and {white}");
        AssertSavesAndLoads(ml, actual, data, scores);
    }

    [TestMethod]
    public void An_offset_alone_is_refused_with_the_cure_which_works()
    {
        var ml = new MLContext(seed: 1);
        var data = Extracted(ml, ImageRows.Create(9), offset: 117, scale: 1);

        var error = Assert.ThrowsExactly<InvalidDataException>(() => ImageRows.Trainer(ml, "Scaled").Fit(data));
        StringAssert.Contains(error.Message, "PixelRange.OfExtractPixels(offsetImage, scaleImage)");

        using var expected = ImageRows.Trainer(ml).Fit(data);
        using var actual = ImageRows.Trainer(ml, "Scaled",
            change: options => options.PixelRange = PixelRange.OfExtractPixels(offsetImage: 117)).Fit(data);
        var scores = Scores.Read(ml, expected.Transform(data));
        Scores.AssertSame(scores, Scores.Read(ml, actual.Transform(data)), "offset 117");
        AssertSavesAndLoads(ml, actual, data, scores);
    }

    [TestMethod]
    [DataRow(4095f)]
    [DataRow(0.01f)]
    public void Any_other_range_can_be_given_and_gives_the_scores_of_bytes(float full)
    {
        var ml = new MLContext(seed: 1);
        var rows = ImageRows.Create(9);
        rows.ForEach(row => row.Floats = [.. row.Planar.Select(value => value / 255f * full)]);
        var data = ImageRows.View(ml, rows);
        using var expected = ImageRows.Trainer(ml).Fit(data);
        using var actual = ImageRows.Trainer(ml, nameof(ImageRow.Floats),
            change: options => options.PixelRange = new PixelRange(0, full)).Fit(data);
        Scores.AssertSame(Scores.Read(ml, expected.Transform(data)), Scores.Read(ml, actual.Transform(data)), $"0 to {full}");
    }

    [TestMethod]
    [DataRow(1f)]
    [DataRow(255f)]
    public void Black_images_in_front_and_the_validation_set_do_not_mislead(float full)
    {
        var ml = new MLContext(seed: 1);
        var rows = ImageRows.Create(20);
        foreach (var row in rows)
            row.Floats = [.. row.Planar.Select(value => value / 255f * full)];
        for (var i = 0; i < 2; i++)
            (rows[i].Planar, rows[i].Floats) = (new byte[192], new float[192]);
        var data = ImageRows.View(ml, rows);
        var black = ImageRows.View(ml, rows.Take(3).ToList());
        using var expected = ImageRows.Trainer(ml).Fit(data, black);
        using var actual = ImageRows.Trainer(ml, nameof(ImageRow.Floats)).Fit(data, black);
        Scores.AssertSame(Scores.Read(ml, expected.Transform(data)), Scores.Read(ml, actual.Transform(data)), $"0 to {full}");
    }

    [TestMethod]
    public void Rows_of_another_range_than_the_first_are_refused()
    {
        var ml = new MLContext(seed: 1);
        var rows = ImageRows.Create(60);
        foreach (var row in rows.Take(40))
            row.Floats = [.. row.Planar.Select(value => value / 255f)];
        var error = Assert.ThrowsExactly<InvalidDataException>(
            () => ImageRows.Trainer(ml, nameof(ImageRow.Floats)).Fit(ImageRows.View(ml, rows)));
        StringAssert.Contains(error.Message, "expected pixels from 0 to 1");
    }

    [TestMethod]
    [DataRow(nameof(ImageRow.Planar))]
    [DataRow(nameof(ImageRow.Floats))]
    public void A_model_of_0_to_255_refuses_pixels_of_0_to_1_instead_of_rounding_them(string fitted)
    {
        var ml = new MLContext(seed: 1);
        var rows = ImageRows.Create(9);
        using var model = ImageRows.Trainer(ml, fitted).Fit(ImageRows.View(ml, rows));
        rows.ForEach(row => row.Floats = [.. row.Planar.Select(value => value / 255f)]);
        var data = ImageRows.View(ml, rows);
        var view = fitted == nameof(ImageRow.Floats)
            ? data
            : ml.Transforms.CopyColumns(fitted, nameof(ImageRow.Floats)).Fit(data).Transform(data);

        var error = Assert.ThrowsExactly<InvalidDataException>(() => Scores.Read(ml, model.Transform(view)));
        StringAssert.Contains(error.Message, "expected pixels from 0 to 255");
    }

    [TestMethod]
    [DataRow(1f, 1f)]
    [DataRow(float.NaN, 1f)]
    [DataRow(0f, float.PositiveInfinity)]
    public void A_range_without_extent_is_refused(float black, float full)
        => Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new PixelRange(black, full));

    [TestMethod]
    public void Images_of_a_few_levels_are_a_warning_that_names_the_cure()
    {
        var ml = new MLContext(seed: 1);
        var log = new List<string>();
        ml.Log += (_, e) => log.Add($"{e.Kind}: {e.Message}");
        var rows = ImageRows.Create(9);
        using (ImageRows.Trainer(ml).Fit(ImageRows.View(ml, rows)))
            Assert.IsFalse(log.Any(line => line.Contains("no contrast", StringComparison.Ordinal)));

        rows.ForEach(row => row.Planar = [.. row.Planar.Select(value => (byte)(2 + value / 128))]); // 12 bits in 16, as bytes

        using (ImageRows.Trainer(ml).Fit(ImageRows.View(ml, rows)))
            Assert.IsTrue(log.Any(line => line.StartsWith("Warning", StringComparison.Ordinal)
                && line.Contains("next to no contrast", StringComparison.Ordinal)));
    }

    [TestMethod]
    public void Measured_values_are_those_of_a_plain_loop_wherever_they_lie()
    {
        var random = new Random(1);
        for (var length = 1; length < 70; length++)
        {
            var values = Enumerable.Range(0, length).Select(_ => random.Next(-4000, 4000) / (random.Next(4) == 0 ? 8f : 1f)).ToArray();
            var found = ResNet.Images.Columns.PixelValues.Of(values, areAll: true)!.Value;
            Assert.AreEqual((values.Min(), values.Max(), values.Any(value => value != MathF.Round(value))),
                (found.Least, found.Most, found.HasFractions));
            foreach (var wrong in new[] { float.NaN, float.NegativeInfinity })
            {
                values[random.Next(length)] = wrong;
                Assert.IsNull(ResNet.Images.Columns.PixelValues.Of(values, areAll: true));
            }
        }
    }

    private static IDataView Extracted(MLContext ml, IEnumerable<ImageRow> rows, float offset, float scale)
    {
        var data = ImageRows.View(ml, rows);
        return ml.Transforms.ExtractPixels("Scaled", "Sized", offsetImage: offset, scaleImage: scale).Fit(data).Transform(data);
    }

    private static void AssertSavesAndLoads(MLContext ml, ResNetTransformer model, IDataView data, IReadOnlyList<ScoredRow> expected)
    {
        using var file = new MemoryStream();
        ml.Model.Save(model, data.Schema, file);
        file.Position = 0;
        var loaded = ml.Model.Load(file, out _);
        Scores.AssertSame([.. expected], Scores.Read(ml, loaded.Transform(data)), "loaded");
        ((IDisposable)loaded).Dispose();
    }
}
