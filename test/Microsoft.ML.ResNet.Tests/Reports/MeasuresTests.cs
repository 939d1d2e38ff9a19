using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Reports.Report;

namespace Microsoft.ML.ResNet.Tests.Reports;

/// <summary>The report's figures against ML.NET's, published values, and sums by hand.</summary>
[TestClass]
public class MeasuresTests
{
    // Newcombe 1998, Statistics in Medicine 17: 857-872, table I, the score method.
    [TestMethod]
    [DataRow(81, 263, 0.2553, 0.3662)]
    [DataRow(15, 148, 0.0624, 0.1605)]
    [DataRow(0, 20, 0.0000, 0.1611)]
    [DataRow(1, 29, 0.0061, 0.1718)]
    [DataRow(20, 20, 0.8389, 1.0000)] // the third, of failures
    public void Wilsons_interval_is_the_published_one(int successes, int trials, double low, double high)
    {
        var interval = WilsonInterval.Of(successes, trials);

        Assert.AreEqual(low, interval.Low, 0.00005);
        Assert.AreEqual(high, interval.High, 0.00005);
    }

    [TestMethod]
    [DataRow(3)]
    [DataRow(12)]
    public void Figures_are_those_of_ML_NET(int classes)
    {
        var (ml, random) = (new MLContext(seed: 1), new Random(1));
        var rows = Enumerable.Range(0, 200).Select(_ => Row.Draw(classes, random)).ToList();
        var schema = SchemaDefinition.Create(typeof(Row));
        schema[nameof(Row.Score)].ColumnType = new VectorDataViewType(NumberDataViewType.Single, classes);
        schema[nameof(Row.Label)].ColumnType = schema[nameof(Row.PredictedLabel)].ColumnType = new KeyDataViewType(typeof(uint), classes);
        var theirs = ml.MulticlassClassification.Evaluate(ml.Data.LoadFromEnumerable(rows, schema),
            topKPredictionCount: Math.Min(5, classes));

        var ours = new Measures([.. rows.Select((row, index) => Outcome.Of(index, (int)row.Label, row.Score))],
            [.. Enumerable.Range(0, classes).Select(index => $"{index}")]);

        Assert.AreEqual(theirs.MicroAccuracy, ours.Accuracy, 1e-12);
        Assert.AreEqual(theirs.MacroAccuracy, ours.MacroAccuracy, 1e-12);
        Assert.AreEqual(theirs.LogLoss, ours.LogLoss, 1e-6);
        Assert.AreEqual(theirs.LogLoss / (1 - theirs.LogLossReduction), ours.TrivialLogLoss, 1e-6);
        Assert.AreEqual(classes > 5 ? (double?)theirs.TopKAccuracy : null, ours.TopAccuracy);
        for (var index = 0; index < classes; index++)
        {
            Assert.AreEqual(theirs.ConfusionMatrix.PerClassPrecision[index], ours.Classes[index].Precision ?? 0, 1e-12);
            Assert.AreEqual(theirs.ConfusionMatrix.PerClassRecall[index], ours.Classes[index].Recall ?? 0, 1e-12);
        }
    }

    [TestMethod]
    public void The_calibration_error_is_the_sum_by_hand()
    {
        // Five bins. (0.4, 0.6]: 0.55 right, 0.59 wrong; (0.8, 1]: 0.90 right, 0.95 right, 1.00 wrong; (0.2, 0.4]: 0.39 right.
        Outcome[] outcomes =
        [
            Answer(0.55f, true), Answer(0.59f, false), Answer(0.90f, true), Answer(0.95f, true), Answer(1.00f, false), Answer(0.39f, true),
        ];
        var calibration = Calibration.Of(outcomes, bins: 5);

        // 2/6 |1/2 - 0.57| + 3/6 |2/3 - 0.95| + 1/6 |1 - 0.39| = 0.0233333 + 0.1416667 + 0.1016667
        Assert.AreEqual(0.26666667, calibration.ExpectedError, 1e-6);
        CollectionAssert.AreEqual(new long[] { 0, 1, 2, 0, 3 }, calibration.Bins.Select(bin => bin.Count).ToArray());
        Assert.AreEqual(0.57, calibration.Bins[2].Confidence, 1e-6);
        Assert.AreEqual(2 / 3.0, calibration.Bins[4].Accuracy, 1e-12);

        static Outcome Answer(float confidence, bool isRight)
            => new(0, 0, isRight ? 0 : 1, confidence, isRight ? confidence : 0, isRight ? 0 : 1);
    }

    [TestMethod]
    public void Classes_that_are_absent_or_never_predicted_have_no_figures_that_do_not_exist()
    {
        var classes = ClassFigures.Of([new(0, 0, 1, .9f, .1f, 1), new(1, 1, 1, .9f, .9f, 0)], ["a", "b", "c"]);

        Assert.AreEqual(0.0, classes[0].Recall);
        Assert.IsNull(classes[0].Precision);
        Assert.AreEqual(0.0, classes[0].F1);
        Assert.AreEqual(1.0, classes[1].Recall);
        Assert.AreEqual(0.5, classes[1].Precision);
        Assert.AreEqual(2 / 3.0, classes[1].F1!.Value, 1e-12);
        Assert.IsNull(classes[2].Recall);
        Assert.IsNull(classes[2].F1);
    }

    [TestMethod]
    public void Cells_count_every_picture_once()
    {
        Outcome[] outcomes = [new(0, 1, 0, .9f, .1f, 1), new(1, 1, 0, .8f, .2f, 1), new(2, 0, 0, .9f, .9f, 0)];

        CollectionAssert.AreEqual(new[] { 0, 0, 1, 1, 0, 2 }, ConfusionCells.Of(outcomes));
    }

    private sealed class Row
    {
        public uint Label { get; set; }

        public uint PredictedLabel { get; set; }

        public float[] Score { get; set; } = [];

        public static Row Draw(int classes, Random random)
        {
            var scores = Enumerable.Range(0, classes).Select(_ => (float)Math.Exp(3 * random.NextDouble())).ToArray();
            var sum = scores.Sum();
            scores = [.. scores.Select(score => score / sum)];
            return new()
            {
                Label = (uint)random.Next(classes), // ML.NET counts the keys of objects from 0
                PredictedLabel = (uint)Array.IndexOf(scores, scores.Max()),
                Score = scores,
            };
        }
    }
}
