using Microsoft.ML.ResNet.Reporting;
using Microsoft.ML.ResNet.Training;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.ResNet.Fitting;

/// <summary>
/// Reports a training to everybody who watches it: the log, ML.NET's progress channel, the user's callbacks and files.
/// Callbacks run on the thread that called <c>Fit</c>, and what they throw stops it. A file that cannot be written is one warning.
/// </summary>
internal sealed class TrainingReports : IDisposable
{
    private static readonly TimeSpan ListenerInterval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan ChannelInterval = TimeSpan.FromSeconds(2); // ML.NET's console asks no more often

    private readonly IChannel _channel;
    private readonly IProgressChannel _progress;
    private readonly ReportTargets _targets;
    private readonly Action<Action> _onCaller;
    private readonly List<EpochReport> _history;
    private readonly ProgressMeter _meter;
    private readonly TensorBoardLog? _tensorBoard;
    private readonly HashSet<string> _warned = [];
    private volatile TrainingProgress? _latest;

    /// <param name="provider">Where ML.NET's progress channel comes from.</param>
    /// <param name="channel">The log.</param>
    /// <param name="targets">Who wants to know.</param>
    /// <param name="before">The reports of the epochs before a resume.</param>
    /// <param name="onCaller">Runs an action on the thread that called <c>Fit</c>.</param>
    public TrainingReports(IProgressChannelProvider provider, IChannel channel, ReportTargets targets,
        IReadOnlyList<EpochReport> before, Action<Action> onCaller)
    {
        (_channel, _targets, _onCaller) = (channel, targets, onCaller);
        _history = [.. before];
        _meter = new ProgressMeter(TimeProvider.System, targets.Progress is null
            ? ChannelInterval
            : ListenerInterval, before is [.., var last] ? last : null, Report);
        _tensorBoard = targets.TensorBoardDirectory is { } folder ? new TensorBoardLog(folder) : null;
        _progress = provider.StartProgressChannel("Training");
        _progress.SetHeader(
            new ProgressHeader(["train loss", "train accuracy", "validation loss", "validation accuracy"], ["epochs", "steps"]),
            ShowPosition);
        if (_history.Count > 0)
            WriteHistory();
    }

    /// <summary>Takes a step in; see <see cref="ProgressMeter.StepEnded"/>.</summary>
    public void StepEnded(TrainingPosition position, Func<RunningMean.Sums> read) => _meter.StepEnded(position, read);

    /// <summary>Takes in that images have passed the frozen layers; see <see cref="ProgressMeter.FeaturesComputed"/>.</summary>
    public void FeaturesComputed(long images, long all) => _meter.FeaturesComputed(images, all);

    /// <summary>Takes the end of an epoch in.</summary>
    public void EpochEnded(EpochReport report)
    {
        _history.Add(report);
        WriteHistory();
        if (_tensorBoard is not null)
            Try("TensorBoardDirectory", () => _tensorBoard.Add(report));
        _onCaller(() =>
        {
            _channel.Info(report.ToString());
            _progress.Checkpoint(report.TrainLoss, report.TrainAccuracy, report.ValidationLoss, report.ValidationAccuracy, report.Epoch,
                null, report.NumberOfEpochs);
            _targets.MetricsCallback?.Invoke(report);
        });
        _meter.EpochEnded(report);
    }

    /// <summary>Closes the progress channel.</summary>
    public void Dispose() => _progress.Dispose();

    private void Report(TrainingProgress progress)
    {
        _latest = progress;
        if (_targets.Progress is { } listener)
            _onCaller(() => listener.Report(progress));
    }

    // Any thread may call this, at any time.
    private void ShowPosition(IProgressEntry entry)
    {
        if (_meter.Position is not { } position)
            return;
        entry.SetProgress(0, position.Epoch - 1, position.NumberOfEpochs);
        entry.SetProgress(1, position.Step, position.StepsPerEpoch);
        if (_latest is not { } latest)
            return;
        entry.SetMetric(0, latest.TrainLoss);
        entry.SetMetric(1, latest.TrainAccuracy);
    }

    private void WriteHistory()
    {
        if (_targets.HistoryFile is { } path)
            Try("HistoryFile", () => HistoryCsv.Write(path, _history));
    }

    private void Try(string option, Action write)
    {
        try
        {
            write();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (_warned.Add(option))
                _channel.Warning($"{option} could not be written to; training goes on, and every epoch tries again. {e.Message}");
        }
    }
}
