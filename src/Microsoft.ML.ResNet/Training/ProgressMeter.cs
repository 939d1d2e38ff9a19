namespace Microsoft.ML.ResNet.Training;

/// <summary>
/// Follows the steps of a training and reports now and then: the figures are read only when a report is due, because reading them waits for
/// a GPU.
/// </summary>
/// <param name="time">The clock.</param>
/// <param name="interval">
/// The least time from the end of one report to the beginning of the next. The last step of an epoch is reported in any case.
/// </param>
/// <param name="before">The report of the last epoch before a resume; <see langword="null"/> for a training from the beginning.</param>
/// <param name="report">Receives the reports, in the order of the steps.</param>
internal sealed class ProgressMeter(TimeProvider time, TimeSpan interval, EpochReport? before, Action<TrainingProgress> report)
{
    private readonly long _start = time.GetTimestamp();
    private TimeSpan _features; // until the frozen layers were computed
    private readonly TimeSpan _elapsedBefore = before?.Elapsed ?? TimeSpan.Zero;
    private EpochReport? _lastEpoch = before;
    private long? _lastReport;
    private long _steps; // of this run
    private long _epochStart = time.GetTimestamp();
    private long _epochSteps; // of this run
    private volatile TrainingPosition? _position;

    /// <summary>How far training has come; <see langword="null"/> before the first step. Any thread may ask.</summary>
    public TrainingPosition? Position => _position;

    /// <summary>Takes in that images have passed the frozen layers, before the first step.</summary>
    /// <param name="images">How many so far.</param>
    /// <param name="all">How many there will be.</param>
    public void FeaturesComputed(long images, long all)
    {
        _epochStart = time.GetTimestamp();
        _features = time.GetElapsedTime(_start, _epochStart);
        if (images < all && _lastReport is { } last && time.GetElapsedTime(last) < interval)
            return;
        var seconds = _features.TotalSeconds;
        report(new TrainingProgress(0, 0, 0, 0, double.NaN, double.NaN, seconds > 0 ? images / seconds : 0, _elapsedBefore + _features,
            _features / images * (all - images), _lastEpoch)
        { FeaturesComputed = (double)images / all });
        _lastReport = time.GetTimestamp();
    }

    /// <summary>Takes a step in.</summary>
    /// <param name="position">How far training has come.</param>
    /// <param name="read">Reads loss and accuracy of the epoch so far; called only if a report is due.</param>
    public void StepEnded(TrainingPosition position, Func<RunningMean.Sums> read)
    {
        _position = position;
        _steps++;
        _epochSteps++;
        if (!position.IsEndOfEpoch && _lastReport is { } last && time.GetElapsedTime(last) < interval)
            return;
        report(Measure(position, read()));
        _lastReport = time.GetTimestamp(); // a slow listener may take long, but not all of the time
    }

    /// <summary>Takes the end of an epoch in, when its validation is over and everybody else has been told.</summary>
    public void EpochEnded(EpochReport epoch)
    {
        _lastEpoch = epoch;
        _position = new TrainingPosition(epoch.Epoch + 1, epoch.NumberOfEpochs, 0, _position?.StepsPerEpoch ?? 0);
        _epochStart = time.GetTimestamp();
        _epochSteps = 0;
    }

    private TrainingProgress Measure(TrainingPosition position, RunningMean.Sums sums)
    {
        var now = time.GetTimestamp(); // after reading: the device has done all that is counted
        var elapsed = time.GetElapsedTime(_start, now);
        var rows = (double)sums.Rows * _epochSteps / position.Step; // without those of before a resume
        var seconds = time.GetElapsedTime(_epochStart, now).TotalSeconds;
        return new TrainingProgress(position.Epoch, position.NumberOfEpochs, position.Step, position.StepsPerEpoch, sums.Loss / sums.Rows,
            sums.Right / sums.Rows,
            seconds > 0 ? rows / seconds : 0,
            _elapsedBefore + elapsed,
            // the conversion saturates: two billion epochs are no error
            new TimeSpan((long)((double)(elapsed - _features).Ticks / _steps * position.StepsLeft)),
            _lastEpoch);
    }
}
