using Microsoft.ML.ResNet;
using Samples.Planning;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Samples.Output;

/// <summary>
/// Shows training: one line for each epoch and, on a terminal, a bar below them that moves with the steps, as
/// <see cref="ResNetTrainer.Options.Progress"/>, and the curves so far.
/// </summary>
internal sealed class EpochLines(Display display) : IProgress<TrainingProgress>
{
    private const int WidthForWords = 90; // columns of a terminal
    private const int WidthOfWords = 64, WidthOfNumbers = 40; // columns of what Describe says, with the stage
    private const int MostLines = 6; // for the epochs of a head

    private const int WidthOfRows = 76; // columns of a line with all figures

    private static readonly Column[] Wide =
    [
        new("epoch", 5, report => $"{report.Epoch}"), new("rate", 8, report => $"{report.LearningRate:g4}"),
        new("train loss", 10, report => $"{report.TrainLoss:f4}"), new("accuracy", 8, report => $"{report.TrainAccuracy:f4}"),
        new("validation loss", 15, report => $"{report.ValidationLoss:f4}", IsOfValidation: true),
        new("accuracy", 8, report => $"{report.ValidationAccuracy:f4}", IsOfValidation: true),
        new("images/s", 8, report => $"{report.ImagesPerSecond:f0}"),
    ];

    private static readonly Column[] Narrow =
    [
        new("epoch", 5, report => $"{report.Epoch}"), new("rate", 8, report => $"{report.LearningRate:g3}"),
        new("train", 6, report => $"{report.TrainLoss:f3}"), new("right", 5, report => $"{report.TrainAccuracy:f3}"),
        new("valid", 6, report => $"{report.ValidationLoss:f3}", IsOfValidation: true),
        new("right", 5, report => $"{report.ValidationAccuracy:f3}", IsOfValidation: true),
        new("im/s", 5, report => $"{report.ImagesPerSecond:f0}"),
    ];

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
        var result = display.Progress(display.Width >= WidthForWords ? WidthOfWords : WidthOfNumbers, Curves).Start(bars =>
        {
            _bar = bars.AddTask($"{Stage}1/{numberOfEpochs}", maxValue: numberOfEpochs);
            return train(Print);
        });
        if (!display.IsQuiet && Curves() is { } curves)
            display.Show(curves);
        return result;
    }

    /// <summary>Tells, while training has not begun, how many of its pictures have been read.</summary>
    public void Reading(int files, int all)
    {
        if (_bar is { Value: 0 })
            _bar.Description = $"{Stage}{(display.Width >= WidthForWords ? "reading pictures, " : "")}{files}/{all}";
    }

    /// <summary>Moves the bar, if there is one.</summary>
    public void Report(TrainingProgress value)
    {
        if (_bar is null)
            return;
        _bar.Value = value.FeaturesComputed is null ? value.Epoch - 1 + (double)value.Step / value.StepsPerEpoch : 0;
        _bar.Description = Stage + Describe(value, display.Width);
    }

    /// <summary>A step in words; on a narrow terminal in numbers alone, so that all of them are seen at 40 columns.</summary>
    public static string Describe(TrainingProgress at, int width)
    {
        var left = $"{(int)at.TimeLeft.TotalHours:d2}:{at.TimeLeft:mm\\:ss}";
        if (at.FeaturesComputed is { } part)
            return width >= WidthForWords
                ? $"frozen layers, {part:p0}, {at.ImagesPerSecond:f0} images/s, {left} left"
                : $"{part:p0} {at.ImagesPerSecond:f0}/s -{left}";
        return width >= WidthForWords
            ? $"epoch {at.Epoch}/{at.NumberOfEpochs}, step {at.Step}/{at.StepsPerEpoch}, {at.ImagesPerSecond:f0} images/s, {left} left"
            : $"{at.Epoch}/{at.NumberOfEpochs} {at.Step}/{at.StepsPerEpoch} {at.ImagesPerSecond:f0}/s -{left}";
    }

    private string Stage => _stage.Length == 0 ? "" : $"{_stage}: ";

    // Bars are drawn by a thread of their own.
    private IRenderable? Curves()
    {
        lock (_reports)
            return TrainingCurves.Draw([.. _reports], display.Width, display.Height);
    }

    private void Print(EpochReport report)
    {
        var isFirst = _reports.Count == 0;
        lock (_reports)
            _reports.Add(report);
        if (display.IsQuiet)
            return;
        if (isFirst)
            display.LineAboveBars($"{Stage}{Row(report, column => column.Head)}");
        if (_stage == TrainingStage.Head && _epochs > MostLines && report.Epoch % (_epochs / MostLines) != 0 && report.Epoch != _epochs)
            return; // epochs on features that are computed once take no time worth a line
        display.LineAboveBars(Row(report, column => column.Text(report)));
    }

    private string Row(EpochReport report, Func<Column, string> cell)
        => string.Join(display.Width < WidthOfRows ? " " : "  ", (display.Width < WidthOfRows ? Narrow : Wide)
            .Where(column => report.ValidationLoss is not null || !column.IsOfValidation)
            .Select(column => cell(column).PadLeft(column.Width)));

    /// <summary>A figure of an epoch's line.</summary>
    private sealed record Column(string Head, int Width, Func<EpochReport, string> Text, bool IsOfValidation = false);
}
