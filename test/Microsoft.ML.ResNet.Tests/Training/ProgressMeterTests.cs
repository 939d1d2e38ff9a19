using Microsoft.ML.ResNet.Foundation;
using Microsoft.ML.ResNet.Tests.Support;
using Microsoft.ML.ResNet.Training;

namespace Microsoft.ML.ResNet.Tests.Training;

/// <summary>Two epochs of 20 steps of 10 images, with a clock of the test's.</summary>
[TestClass]
public class ProgressMeterTests
{
    private const int Epochs = 2, Steps = 20, Batch = 10;

    private readonly ManualTime _time = new();
    private readonly List<TrainingProgress> _reports = [];
    private int _reads;

    [TestMethod]
    public void A_report_is_due_once_in_an_interval_and_after_the_last_step()
    {
        var meter = Meter();
        for (var step = 1; step <= Steps; step++)
            Step(meter, 1, step, milliseconds: 30);

        CollectionAssert.AreEqual(new[] { 1, 5, 9, 13, 17, 20 }, _reports.Select(report => report.Step).ToArray());
        Assert.AreEqual(_reports.Count, _reads, "figures are read only for reports");
    }

    [TestMethod]
    public void A_slow_listener_does_not_get_every_step()
    {
        var meter = Meter(during: () => _time.Pass(TimeSpan.FromSeconds(1)));
        for (var step = 1; step <= Steps; step++)
            Step(meter, 1, step, milliseconds: 50);

        CollectionAssert.AreEqual(new[] { 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 20 }, _reports.Select(report => report.Step).ToArray());
    }

    [TestMethod]
    public void Figures_are_of_the_epoch_so_far_and_validation_does_not_count_as_training()
    {
        var meter = Meter();
        for (var step = 1; step <= Steps; step++)
            Step(meter, 1, step, milliseconds: 100);
        _time.Pass(TimeSpan.FromSeconds(2)); // validation
        meter.EpochEnded(Report(1));
        Step(meter, 2, 1, milliseconds: 100);

        var (end, next) = (_reports[^2], _reports[^1]);
        var expected =
            new TrainingProgress(1, Epochs, Steps, Steps, 1.5, 0.25, 100, TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(2), null);
        Assert.AreEqual(ValueFingerprint.Describe(expected), ValueFingerprint.Describe(end));
        Assert.AreEqual(ValueFingerprint.Describe(Report(1)), ValueFingerprint.Describe(next.LastEpoch));
        Assert.AreEqual(100, next.ImagesPerSecond, 1e-9);
        Assert.AreEqual(TimeSpan.FromSeconds(4.1), next.Elapsed);
        Assert.AreEqual(4.1 / 21 * 19, next.TimeLeft.TotalSeconds, 1e-6, "19 steps like the 21 so far, with their share of validation");
    }

    [TestMethod]
    public void After_a_resume_the_speed_is_of_this_run_and_the_time_of_all()
    {
        var meter = Meter(before: Report(1));
        for (var step = 11; step <= Steps; step++)
            Step(meter, 2, step, milliseconds: 100);

        Assert.AreEqual(ValueFingerprint.Describe(Report(1)), ValueFingerprint.Describe(_reports[0].LastEpoch));
        Assert.AreEqual(100, _reports[^1].ImagesPerSecond, 1e-9);
        Assert.AreEqual(TimeSpan.FromSeconds(8), _reports[^1].Elapsed);
        Assert.AreEqual(0.9, _reports[0].TimeLeft.TotalSeconds, 1e-6);
        Assert.AreEqual(TimeSpan.Zero, _reports[^1].TimeLeft);
    }

    [TestMethod]
    public void Two_billion_epochs_leave_time_without_end()
    {
        var meter = Meter();
        _time.Pass(TimeSpan.FromDays(1));
        meter.StepEnded(new TrainingPosition(1, int.MaxValue, 1, int.MaxValue), Read(1));

        Assert.AreEqual(TimeSpan.MaxValue, _reports[0].TimeLeft);
    }

    [TestMethod]
    public void The_position_is_that_of_the_last_step_reported_or_not()
    {
        var meter = Meter();
        Assert.IsNull(meter.Position);
        Step(meter, 1, 1, milliseconds: 0);
        Step(meter, 1, 2, milliseconds: 0);
        Assert.AreEqual(new TrainingPosition(1, Epochs, 2, Steps), meter.Position);
        meter.EpochEnded(Report(1));
        Assert.AreEqual(new TrainingPosition(2, Epochs, 0, Steps), meter.Position);
    }

    private ProgressMeter Meter(EpochReport? before = null, Action? during = null)
        => new(_time, TimeSpan.FromMilliseconds(100), before, report =>
    {
        _reports.Add(report);
        during?.Invoke();
    });

    private void Step(ProgressMeter meter, int epoch, int step, int milliseconds)
    {
        _time.Pass(TimeSpan.FromMilliseconds(milliseconds));
        meter.StepEnded(new TrainingPosition(epoch, Epochs, step, Steps), Read(step));
    }

    // A loss of 1.5 and an accuracy of a quarter for every image of the epoch so far.
    private Func<RunningMean.Sums> Read(int step) => () =>
    {
        _reads++;
        return new RunningMean.Sums(1.5 * step * Batch, 0.25 * step * Batch, step * Batch);
    };

    private static EpochReport Report(int epoch)
        => new(epoch, Epochs, 0.1, 1, 0.5, null, null, 100, TimeSpan.FromSeconds(7), TimeSpan.Zero);
}
