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
}
