using Microsoft.ML.ResNet;
using Samples.Planning;
using Spectre.Console;

namespace Samples.Output;

/// <summary>
/// Shows training: one line for each epoch and, on a terminal, a bar below them that moves with the steps, as
/// <see cref="ResNetTrainer.Options.Progress"/>.
/// </summary>
internal sealed class EpochLines(Display display) : IProgress<TrainingProgress>
{
    private const int WidthOfWords = 70; // columns
    private const int MostLines = 6; // for the epochs of a head

    private readonly List<EpochReport> _reports = [];
    private string _stage = "";
    private int _epochs;
    private ProgressTask? _bar;

    /// <summary>Images per second over all epochs, validation left out; 0 where a resumed training had none left.</summary>
    public double ImagesPerSecond => _reports.Count == 0 ? 0 : _reports.Count / _reports.Sum(report => 1 / report.ImagesPerSecond);

    /// <summary>Shows what <paramref name="train"/> reports while it runs.</summary>
    /// <param name="numberOfEpochs">How many reports there will be.</param>
    /// <param name="train">Trains; hand its argument to <see cref="ResNetTrainer.Options.MetricsCallback"/>.</param>
    /// <param name="stage">What this training is called beside others of the same run; empty for the only one.</param>
    public T During<T>(int numberOfEpochs, Func<Action<EpochReport>, T> train, string stage = "")
    {
        _stage = stage;
        _epochs = numberOfEpochs;
        _reports.Clear();
        if (!display.IsLive)
            return train(Print);
        return display.Progress().Start(bars =>
        {
            _bar = bars.AddTask($"1/{numberOfEpochs}", maxValue: numberOfEpochs);
            return train(Print);
        });
    }

    /// <summary>Tells, while training has not begun, how many of its pictures have been read.</summary>
    public void Reading(int files, int all)
    {
        if (_bar is { Value: 0 })
            _bar.Description = $"{Stage}{(display.Width >= WidthOfWords ? "reading pictures, " : "")}{files}/{all}";
    }

    /// <summary>Moves the bar, if there is one.</summary>
    public void Report(TrainingProgress value)
    {
        if (_bar is null)
            return;
        _bar.Value = value.Epoch - 1 + (double)value.Step / value.StepsPerEpoch;
        _bar.Description = Stage + Describe(value, display.Width);
    }

    /// <summary>A step in words; on a narrow terminal in numbers alone, so that all of them are seen at 40 columns.</summary>
    public static string Describe(TrainingProgress at, int width)
    {
        var left = $"{(int)at.TimeLeft.TotalHours:d2}:{at.TimeLeft:mm\\:ss}";
        return width >= WidthOfWords
            ? $"epoch {at.Epoch}/{at.NumberOfEpochs}, step {at.Step}/{at.StepsPerEpoch}, {at.ImagesPerSecond:f0} images/s, {left} left"
            : $"{at.Epoch}/{at.NumberOfEpochs} {at.Step}/{at.StepsPerEpoch} {at.ImagesPerSecond:f0}/s -{left}";
    }

    private string Stage => _stage.Length == 0 ? "" : $"{_stage}: ";

    private void Print(EpochReport report)
    {
        if (_reports.Count == 0)
            display.LineAboveBars(
                $"{Stage}epoch      rate  train loss  accuracy"
                + $"{(report.ValidationLoss is null ? "" : "  validation loss  accuracy")}  images/s");
        _reports.Add(report);
        if (_stage == TrainingStage.Head && _epochs > MostLines && report.Epoch % (_epochs / MostLines) != 0 && report.Epoch != _epochs)
            return; // epochs on features that are computed once take no time worth a line
        var validation = report.ValidationLoss is null ? "" : $"  {report.ValidationLoss,15:f4}  {report.ValidationAccuracy,8:f4}";
        display.LineAboveBars(
            $"{report.Epoch,5}  {report.LearningRate,8:g4}  {report.TrainLoss,10:f4}  {report.TrainAccuracy,8:f4}{validation}  "
            + $"{report.ImagesPerSecond,8:f0}");
    }
}
