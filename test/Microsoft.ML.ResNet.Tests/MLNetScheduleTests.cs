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
        var scheduler = new LsrDecay([new(2, 0.25f), new(1, 0.5f), new(0, 1f)], baseLearningRate: 0.4f);
        options.Recipe = options.Recipe with { Schedule = scheduler.ToSchedule() };
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
        var scheduler = new ExponentialLRDecay(learningRate: 0.5f, numEpochsPerDecay: 1, decayRate: 0.5f, staircase: false);
        var recipe = TrainingRecipe.Tutorial with
        {
            NumberOfEpochs = 7,
            LearningRate = 0.5,
            Schedule = scheduler.ToSchedule()
        };
        var schedule = MLNetSchedule.Bind(recipe, stepsPerEpoch: 13).Schedule;

        for (var epoch = 0; epoch < 7; epoch++)
            for (var step = 0; step < 13; step++)
                Assert.AreEqual(Math.Pow(0.5, epoch + step / 13.0), schedule.Factor((epoch + step / 13.0) / 7), 1e-6);
    }

    [TestMethod]
    public void A_scheduler_that_only_a_training_can_ask_is_refused_inside_another_schedule()
    {
        var schedule = new LsrDecay().ToSchedule();

        StringAssert.Contains(string.Join(" ", new WarmUpSchedule(0.1, schedule).Problems()), "WarmUpSchedule.Then is LsrDecay");
        StringAssert.Contains(Assert.ThrowsExactly<InvalidOperationException>(() => schedule.Factor(0)).Message, "only a training");
    }

    [TestMethod]
    public void A_schedule_of_the_users_own_decides_the_rate_and_makes_equal_recipes()
    {
        var ml = new MLContext(seed: 1);
        var rates = new List<double>();
        var options = TinyImages.Options(epochs: 2);
        options.Recipe = options.Recipe with { LearningRate = 0.04, Schedule = new StepSchedule(0.5) };
        options.MetricsCallback = report => rates.Add(report.LearningRate);

        var data = TinyImages.View(ml, 40);
        using var model = ml.MulticlassClassification.Trainers.ResNet(options)
            .Fit(ml.Transforms.Conversion.MapValueToKey("Label").Fit(data).Transform(data));

        CollectionAssert.AreEqual(new[] { 0.04, 0.02 }, rates);
        Assert.AreEqual(options.Recipe, options.Recipe with { Schedule = new StepSchedule(0.5) });
        Assert.AreNotEqual(options.Recipe, options.Recipe with { Schedule = new StepSchedule(0.25) });
    }

    private sealed record StepSchedule(double Then) : LearningRateSchedule
    {
        public override double Factor(double progress) => progress < 0.5 ? 1 : Then;
    }
}
