using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Reports;
using Microsoft.ML.ResNet.Tests.Support;
using Samples.Measuring;

namespace Microsoft.ML.ResNet.Tests.Shards;

/// <summary>Figures of <c>evaluate</c>, against those of ML.NET and of the report, which count on their own.</summary>
[TestClass]
public class TallyTests
{
    private const int Classes = 5;

    private static readonly MLContext ML = new(seed: 1);

    [TestMethod]
    public void Figures_are_those_of_ML_NET()
    {
        foreach (var seed in Enumerable.Range(1, 5))
        {
            var scored = Scored(seed);
            var expected = ML.MulticlassClassification.Evaluate(scored, topKPredictionCount: Tally.TopK);

            var tally = Tally.Of(scored, Classes, CancellationToken.None);

            Assert.AreEqual(expected.MicroAccuracy, tally.MicroAccuracy, 1e-12);
            Assert.AreEqual(expected.MacroAccuracy, tally.MacroAccuracy, 1e-12);
            Assert.AreEqual(expected.LogLoss, tally.LogLoss, 1e-9);
            Assert.AreEqual(expected.TopKAccuracy, tally.TopKAccuracy, 1e-12);
            for (var row = 0; row < Classes; row++)
                CollectionAssert.AreEqual(expected.ConfusionMatrix.Counts[row].Select(count => (long)count).ToArray(), tally.Counts[row]);
        }
    }

    [TestMethod]
    public void Calibration_is_that_of_the_report_and_unknown_classes_are_counted_apart()
    {
        var train = TinyImages.View(ML, 60);
        var model = ML.Transforms.Conversion.MapValueToKey("Label")
            .Append(ML.MulticlassClassification.Trainers.ResNet(TinyImages.Options(epochs: 2)))
            .Append(ML.Transforms.Conversion.MapKeyToValue("PredictedLabel")).Fit(train);
        var rows = TinyImages.Rows(100, seed: 2).ToList();
        rows[7].Label = rows[50].Label = "a class that nobody has learnt";
        var images = ML.Data.LoadFromEnumerable(rows);

        var measured = Measurement.Of(model, images, CancellationToken.None);

        var report = ML.Model.SaveResNetReport(model, images, Path.Combine(TestAssembly.TemporaryFolder, "tally.html"),
            new ResNetReportOptions());
        Assert.AreEqual((98, 2), (measured.Tally.Images, measured.Tally.LeftOut));
        Assert.AreEqual(report.CalibrationError, measured.Tally.CalibrationError, 1e-9);
        Assert.AreEqual(report.LogLoss, measured.Tally.LogLoss, 1e-9);
        Assert.AreEqual(report.Accuracy, measured.Tally.MicroAccuracy, 1e-12);
    }

    [TestMethod]
    public void Parts_add_up_to_the_last_digit_in_any_order()
    {
        var (random, rows) = (new Random(3), Rows(3));
        var whole = TallyOf(rows);
        foreach (var count in new[] { 2, 3, 7, 16 })
        {
            var parts = rows.Chunk(rows.Length / count + 1).Select(TallyOf).Select(part => Tally.Of(part.Save(), Classes)).ToArray();
            random.Shuffle(parts);
            var sum = new Tally(Classes);
            foreach (var part in parts)
                sum.Add(part);

            Assert.AreEqual(BitConverter.DoubleToInt64Bits(whole.LogLoss), BitConverter.DoubleToInt64Bits(sum.LogLoss));
            Assert.AreEqual(BitConverter.DoubleToInt64Bits(whole.CalibrationError), BitConverter.DoubleToInt64Bits(sum.CalibrationError));
            Assert.AreEqual((whole.Images, whole.AmongTop, whole.LeftOut), (sum.Images, sum.AmongTop, sum.LeftOut));
            for (var row = 0; row < Classes; row++)
                CollectionAssert.AreEqual(whole.Counts[row], sum.Counts[row]);
        }
    }

    [TestMethod]
    public void A_class_that_is_no_key_is_refused()
    {
        var scored = ML.Data.LoadFromEnumerable(Rows(1));

        var exception = Assert.ThrowsExactly<InvalidDataException>(() => Tally.Of(scored, Classes, CancellationToken.None));

        Assert.Contains("expected a model that turns it into a key", exception.Message);
    }

    [TestMethod]
    public void Counts_of_something_else_are_refused()
    {
        var saved = TallyOf(Rows(1)).Save();
        foreach (var wrong in new[]
        {
            saved with { Classes = 4 }, saved with { Counts = [[0, 5, 1]] }, saved with { Counts = [[-1, 0, 1]] },
            saved with { Counts = [[0, 0, -1]] }, saved with { Counts = [null!] }, saved with { LogLoss = null },
            saved with { LogLoss = "1.5" }, saved with { AmongTop = -1 }, saved with { LeftOut = -1 }, saved with { Bins = null },
            saved with { Bins = saved.Bins![1..] }, saved with { Bins = [.. saved.Bins![1..], null!] },
            saved with { Bins = [.. saved.Bins![1..], new(1, 1, "x")] },
        })
            Assert.ThrowsExactly<FormatException>(() => Tally.Of(wrong, Classes), $"{wrong}");
    }

    private static Tally TallyOf(ScoredRow[] rows)
    {
        var tally = new Tally(Classes);
        foreach (var row in rows)
            tally.Add(row.Label[0] - 'a', row.Score);
        return tally;
    }

    private static IDataView Scored(int seed)
    {
        var keys = ML.Data.LoadFromEnumerable("abcde".Select(name => new ScoredRow { Label = $"{name}" }));
        var view = ML.Data.LoadFromEnumerable(Rows(seed));
        var names = ML.Transforms.SelectColumns("Label").Fit(keys).Transform(keys);
        var transforms = ML.Transforms.Conversion.MapValueToKey("Label", keyData: names)
            .Append(ML.Transforms.CopyColumns("PredictedLabel", "Label"));
        return transforms.Fit(view).Transform(view);
    }

    // Ties, certainties and impossibilities among them; class d has no rows.
    private static ScoredRow[] Rows(int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, 200).Select(row =>
        {
            float[] score = row % 10 == 0
                ? [.. Enumerable.Range(0, Classes).Select(i => i == row / 10 % Classes ? 1f : 0f)]
                : [.. Enumerable.Range(0, Classes).Select(_ => row % 3 == 0 ? random.Next(4) / 4f : random.NextSingle())];
            var sum = score.Sum();
            return new ScoredRow
            {
                Label = $"{"abce"[random.Next(4)]}",
                Score = [.. score.Select(one => sum > 0 ? one / sum : 1f / Classes)],
            };
        })];
    }

    private sealed class ScoredRow
    {
        public string Label { get; set; } = "";

        [VectorType(Classes)]
        public float[] Score { get; set; } = new float[Classes];
    }
}
