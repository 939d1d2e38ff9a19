using Microsoft.ML.ResNet.Tensors;
using Microsoft.ML.ResNet.Training;

namespace Microsoft.ML.ResNet.Tests.Training;

[TestClass]
public class BestEpochTests
{
    [TestMethod]
    [DataRow(ValidationMetric.Accuracy, 2)]
    [DataRow(ValidationMetric.Loss, 1)]
    public void The_best_epoch_is_the_one_that_the_metric_says(ValidationMetric metric, int expected)
        => Assert.AreEqual(expected,
            Best(new BestEpoch(metric, null), new Evaluation(0.9, 0.5), new Evaluation(0.5, 0.6), new Evaluation(0.6, 0.8),
            new Evaluation(0.7, 0.8)));

    [TestMethod]
    public void Between_equal_accuracies_the_lower_loss_wins()
        => Assert.AreEqual(
            1, Best(new BestEpoch(ValidationMetric.Accuracy, null), new Evaluation(0.9, 0.5), new Evaluation(0.8, 0.5),
            new Evaluation(0.85, 0.5)));

    [TestMethod]
    public void Patience_counts_epochs_without_enough_improvement()
    {
        var best = new BestEpoch(ValidationMetric.Loss, new EarlyStopping { Patience = 2, MinimumChange = 0.1 });
        var losses = new[] { 1.0, 0.85, 0.80, 0.74, 0.70, 0.66 }; // enough at 0.85 and at 0.74, each against the last that was enough
        var stopped = losses.Select(loss =>
        {
            best.Add(new Evaluation(loss, 0), () => [new NamedTensor($"{loss}", ElementType.Bool, [], new byte[1])]);
            return best.HasRunOutOfPatience;
        }).ToArray();

        CollectionAssert.AreEqual(new[] { false, false, false, false, false, true }, stopped);
        Assert.AreEqual("0.66", best.Weights![0].Name, "the best is kept, however small its lead");
    }

    [TestMethod]
    public void Without_early_stopping_patience_is_endless()
    {
        var best = new BestEpoch(ValidationMetric.Loss, null);
        for (var epoch = 0; epoch < 1000; epoch++)
            best.Add(new Evaluation(1, 0), () => []);
        Assert.IsFalse(best.HasRunOutOfPatience);
    }

    [TestMethod]
    public void Without_validation_the_last_is_the_best_and_patience_is_not_touched()
    {
        var best = new BestEpoch(ValidationMetric.Loss, new EarlyStopping { Patience = 1 });
        foreach (var name in new[] { "1", "2", "3" })
            best.Add(null, () => [new NamedTensor(name, ElementType.Bool, [], new byte[1])]);
        Assert.AreEqual("3", best.Weights![0].Name);
        Assert.IsFalse(best.HasRunOutOfPatience);
    }

    private static int Best(BestEpoch best, params Evaluation[] epochs)
    {
        for (var epoch = 0; epoch < epochs.Length; epoch++)
        {
            var number = epoch;
            best.Add(epochs[epoch], () => [new NamedTensor($"{number}", ElementType.Bool, [], new byte[1])]);
        }
        return int.Parse(best.Weights![0].Name, System.Globalization.CultureInfo.InvariantCulture);
    }
}
