using Microsoft.ML.ResNet.Fitting;
using Microsoft.ML.ResNet.Tests.Support;
using Microsoft.ML.Trainers;

namespace Microsoft.ML.ResNet.Tests;

[TestClass]
public class MLNetScheduleTests
{
    [TestMethod]
    public void ML_NETs_own_scheduler_decides_the_rate_of_every_epoch()
    {
        var ml = new MLContext(seed: 1);
        var rates = new List<double>();
        var options = TinyImages.Options(epochs: 3);
        options.LearningRateScheduler = new LsrDecay([new(2, 0.25f), new(1, 0.5f), new(0, 1f)], baseLearningRate: 0.4f);
        options.MetricsCallback = report => rates.Add(report.LearningRate);

        var data = TinyImages.View(ml, 40);
        using var model = ml.MulticlassClassification.Trainers.ResNet(options)
            .Fit(ml.Transforms.Conversion.MapValueToKey("Label").Fit(data).Transform(data));

        // LsrDecay scales its base rate by batch / 128; the batch here is 16.
        foreach (var (expected, actual) in new[] { 0.05, 0.025, 0.0125 }.Zip(rates))
            Assert.AreEqual(expected, actual, 1e-7);
    }

    [TestMethod]
    public void Every_step_is_asked_for_by_epoch_and_batch()
    {
        var recipe = TrainingRecipe.Tutorial with { NumberOfEpochs = 7, LearningRate = 0.5 };
        var schedule =
            new MLNetSchedule(new ExponentialLRDecay(learningRate: 0.5f, numEpochsPerDecay: 1, decayRate: 0.5f, staircase: false), recipe,
            StepsPerEpoch: 13);

        for (var epoch = 0; epoch < 7; epoch++)
            for (var step = 0; step < 13; step++)
                Assert.AreEqual(Math.Pow(0.5, epoch + step / 13.0), schedule.Factor((epoch + step / 13.0) / 7), 1e-6);
    }
}
