using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Tests.Conformance;

/// <summary>A validation set chooses the best epoch, and its figures are over all of its rows.</summary>
[TestClass]
public class ValidationTests
{
    [TestMethod]
    public void The_model_is_that_of_the_best_epoch_when_training_makes_it_worse()
        => AssertBestIsKept(Keyed(ImageRows.Create(50, seed: 2), lies: true),
            reports => Assert.IsLessThan(reports.Count, Best(reports).Epoch, "the last epoch is not the best"));

    [TestMethod]
    public void The_model_is_that_of_the_best_epoch_when_training_makes_it_better()
        => AssertBestIsKept(Keyed(ImageRows.Create(50, seed: 2)),
            reports => Assert.IsGreaterThan(0.9, Best(reports).ValidationAccuracy!.Value));

    [TestMethod]
    public void A_set_given_to_Fit_wins_over_that_of_the_options()
    {
        var ml = new MLContext(seed: 1);
        var (train, good, lies) = (Keyed(ImageRows.Create(60)), Keyed(ImageRows.Create(50, seed: 2)),
            Keyed(ImageRows.Create(50, seed: 2), lies: true));
        var reports = new List<EpochReport>();
        var trainer =
            ImageRows.Trainer(ml, epochs: 4, change: options => (options.ValidationSet, options.MetricsCallback) = (lies, reports.Add));

        trainer.Fit(train).Dispose();
        trainer.Fit(train, good).Dispose();
        trainer.Fit(train, null).Dispose();

        Assert.IsLessThan(0.5, reports[3].ValidationAccuracy!.Value, "the options' set");
        Assert.IsGreaterThan(0.5, reports[7].ValidationAccuracy!.Value, "the set given");
        Assert.IsNull(reports[11].ValidationAccuracy, "none");
    }

    [TestMethod]
    public void Classes_in_another_order_are_refused()
    {
        var ml = new MLContext(seed: 1);
        var (train, other) = (ImageRows.View(ml, 9), ImageRows.View(ml, ImageRows.Create(9).AsEnumerable().Reverse()));
        var error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => ImageRows.Trainer(ml).Fit(train, other));
        foreach (var part in new[] { "the same in another order", "MapValueToKey" })
            StringAssert.Contains(error.Message, part);
    }

    [TestMethod]
    public void Classes_that_one_set_lacks_are_named()
        => Assert.AreEqual("only the validation set has 'cat'; only the training set has 'dog'",
            ClassLabels.OfNames(["ant", "dog"]).Difference(ClassLabels.OfNames(["cat", "ant"])));

    [TestMethod]
    public void Images_of_another_size_are_refused()
    {
        var ml = new MLContext(seed: 1);
        var error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => ImageRows.Trainer(ml)
            .Fit(ImageRows.View(ml, 9), ImageRows.Larger(ml, 9)));
        StringAssert.Contains(error.Message, "The validation images are 3x9x9; expected 3x8x8");
    }

    [TestMethod]
    public void A_set_without_usable_rows_is_refused()
    {
        var ml = new MLContext(seed: 1);
        var train = Keyed(ImageRows.Create(9));
        var unusable = Keyed([.. ImageRows.Create(3).Select(row => new ImageRow { Planar = row.Planar, Key = ImageRow.NoKey })]);
        var error = Assert.ThrowsExactly<InvalidOperationException>(() => ImageRows.Trainer(ml).Fit(train, unusable));
        Assert.AreEqual("No valid validation instances found. 3 rows have a missing label.", error.Message);
    }

    private static void AssertBestIsKept(IDataView validation, Action<List<EpochReport>> check)
    {
        var ml = new MLContext(seed: 1);
        var reports = new List<EpochReport>();
        using var model = ImageRows.Trainer(ml, epochs: 5, change: options => options.MetricsCallback = reports.Add)
            .Fit(Keyed(ImageRows.Create(60)), validation);
        check(reports);
        var metrics = ml.MulticlassClassification.Evaluate(model.Transform(validation)); // ML.NET's own figures, over all 50 rows
        Assert.AreEqual(Best(reports).ValidationAccuracy!.Value, metrics.MicroAccuracy, 1e-9);
        Assert.AreEqual(Best(reports).ValidationLoss!.Value, metrics.LogLoss, 1e-4);
    }

    private static EpochReport Best(List<EpochReport> reports)
        => reports.OrderByDescending(report => report.ValidationAccuracy).ThenBy(report => report.ValidationLoss).First();

    /// <summary>A view whose labels are keys without values; lies name the next class.</summary>
    private static IDataView Keyed(List<ImageRow> rows, bool lies = false)
    {
        if (lies)
            rows.ForEach(row => row.Key = (row.Key + 1) % 3);
        return ImageRows.View(new MLContext(seed: 1), rows, nameof(ImageRow.Key));
    }
}
