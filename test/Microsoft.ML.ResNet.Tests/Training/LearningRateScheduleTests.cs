namespace Microsoft.ML.ResNet.Tests.Training;

[TestClass]
public class LearningRateScheduleTests
{
    [TestMethod]
    public void Multi_step_drops_to_a_tenth_at_each_milestone()
    {
        var schedule = LearningRateSchedule.MultiStep(0.5, 0.75);

        foreach (var (progress, factor) in new[] { (0, 1), (0.4999, 1), (0.5, 0.1), (0.7499, 0.1), (0.75, 0.01), (0.9999, 0.01) })
            Assert.AreEqual(factor, schedule.Factor(progress), 1e-12, $"at {progress}");
    }

    [TestMethod]
    public void Milestones_in_epochs_take_effect_at_the_first_step_of_their_epoch()
    {
        for (var epochs = 2; epochs <= 400; epochs++)
            for (var milestone = 1; milestone < epochs; milestone++)
            {
                var schedule = LearningRateSchedule.MultiStepAt(epochs, milestone);
                Assert.AreEqual(0.1, schedule.Factor((double)milestone / epochs), 1e-12);
                Assert.AreEqual(1, schedule.Factor((milestone - 1 + 390.0 / 391) / epochs), 1e-12);
            }
    }

    [TestMethod]
    public void Constant_never_drops() => Assert.AreEqual(1, LearningRateSchedule.Constant.Factor(0.999));

    [TestMethod]
    public void Milestones_out_of_order_or_range_are_problems()
    {
        Assert.IsNotEmpty(LearningRateSchedule.MultiStep(0.75, 0.5).Problems());
        Assert.IsNotEmpty(LearningRateSchedule.MultiStep(1).Problems());
        Assert.IsNotEmpty(LearningRateSchedule.MultiStep(double.NaN).Problems());
        Assert.IsNotEmpty((LearningRateSchedule.MultiStep(0.5) with { Gamma = 0 }).Problems());
        Assert.IsEmpty(LearningRateSchedule.MultiStep(0.5, 0.75).Problems());
    }

    /// <summary>A schedule, and its formula restated at a few points.</summary>
    public static IEnumerable<object[]> Curves =>
    [
        [new CosineSchedule(), new[] { (0, 1), (0.25, 0.8535533905932737), (0.5, 0.5), (1, 0) }],
        [new CosineSchedule { End = 0.2 }, new[] { (0, 1), (0.5, 0.6), (1, 0.2) }],
        [new LinearSchedule(), new[] { (0, 1), (0.3, 0.7), (1, 0) }],
        [new LinearSchedule { End = 0.5 }, new[] { (0, 1), (0.5, 0.75), (1, 0.5) }],
        [new OneCycleSchedule(), new[] { (0, 0.1), (0.125, 0.55), (0.25, 1), (0.625, 0.5), (1, 0) }],
        [new OneCycleSchedule { Peak = 0.5, Start = 0, End = 0.2 }, new[] { (0, 0), (0.25, 0.5), (0.5, 1), (0.75, 0.6), (1, 0.2) }],
        [new WarmUpSchedule(0.2, LearningRateSchedule.MultiStep(0.5)) { Start = 0 },
            new[] { (0, 0), (0.1, 0.5), (0.2, 1), (0.59, 1), (0.6, 0.1), (0.99, 0.1) }],
        [new WarmUpSchedule(0.5, new CosineSchedule()), new[] { (0, 0.01), (0.5, 1), (0.75, 0.5), (1, 0) }],
    ];

    [TestMethod]
    [DynamicData(nameof(Curves))]
    public void A_curve_follows_its_formula(LearningRateSchedule schedule, (double Progress, double Factor)[] points)
    {
        foreach (var (progress, factor) in points)
            Assert.AreEqual(factor, schedule.Factor(progress), 1e-12, $"{schedule} at {progress}");
        Assert.IsEmpty(schedule.Problems());
    }

    [TestMethod]
    public void Curves_out_of_range_are_problems()
    {
        Assert.IsNotEmpty(new CosineSchedule { End = -0.1 }.Problems());
        Assert.IsNotEmpty(new LinearSchedule { End = double.NaN }.Problems());
        Assert.HasCount(3, new OneCycleSchedule { Peak = 0, Start = 2, End = -1 }.Problems().ToList());
        Assert.HasCount(2, new WarmUpSchedule(1, new CosineSchedule { End = 2 }).Problems().ToList());
    }
}
