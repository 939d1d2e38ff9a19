using System.Globalization;
using Microsoft.ML.ResNet.Reports.Pages;
using OxyPlot;
using OxyPlot.Annotations;
using OxyPlot.Axes;
using OxyPlot.Legends;
using OxyPlot.Series;

namespace Microsoft.ML.ResNet.Reports.Report;

/// <summary>The plots of a report, as SVG.</summary>
internal static class ReportPlots
{
    private const double Width = 560, Height = 300;

    /// <summary>The loss of each epoch.</summary>
    public static string Loss(IReadOnlyList<ReportEpoch> epochs) => Curves(epochs, "loss, nats",
        "Loss by epoch, on the training and on the validation images.", false,
        ("training", epoch => epoch.TrainLoss), ("validation", epoch => epoch.ValidationLoss));

    /// <summary>The accuracy of each epoch.</summary>
    public static string Accuracy(IReadOnlyList<ReportEpoch> epochs) => Curves(epochs, "accuracy",
        "Accuracy by epoch, on the training and on the validation images.", false,
        ("training", epoch => epoch.TrainAccuracy), ("validation", epoch => epoch.ValidationAccuracy));

    /// <summary>The learning rate at the end of each epoch.</summary>
    public static string Rate(IReadOnlyList<ReportEpoch> epochs) => Curves(epochs, "learning rate",
        "Learning rate at the end of each epoch, on a logarithmic scale.", epochs.All(epoch => epoch.LearningRate > 0),
        ("rate", epoch => epoch.LearningRate));

    /// <summary>Accuracy against confidence.</summary>
    public static string Reliability(Calibration calibration)
    {
        var model = new PlotModel { Culture = CultureInfo.InvariantCulture };
        model.Axes.Add(new LinearAxis { Position = AxisPosition.Bottom, Minimum = 0, Maximum = 1, Title = "confidence" });
        model.Axes.Add(new LinearAxis
        {
            Position = AxisPosition.Left,
            Minimum = 0,
            Maximum = 1,
            Title = "accuracy",
            MajorGridlineStyle = LineStyle.Solid,
        });
        var bars = new RectangleBarSeries { FillColor = PlotSvg.Series(1), StrokeColor = PlotSvg.Paper, StrokeThickness = 1 };
        foreach (var bin in calibration.Bins.Where(bin => bin.Count > 0))
            bars.Items.Add(new RectangleBarItem(bin.From, 0, bin.To, bin.Accuracy));
        model.Series.Add(bars);
        var ideal = new LineSeries { Color = PlotSvg.Ink, LineStyle = LineStyle.Dash, StrokeThickness = 1.5 };
        ideal.Points.AddRange([new(0, 0), new(1, 1)]);
        model.Series.Add(ideal);
        return PlotSvg.Draw(model, Width * .75, Width * .65,
            "Reliability diagram: the accuracy of predictions by their confidence; a calibrated model follows the dashed diagonal.");
    }

    private static string Curves(IReadOnlyList<ReportEpoch> epochs, string title, string description, bool isLogarithmic,
        params (string Name, Func<ReportEpoch, double?> Value)[] series)
    {
        var model = new PlotModel { Culture = CultureInfo.InvariantCulture, IsLegendVisible = series.Length > 1 };
        model.Legends.Add(new Legend
        {
            LegendPlacement = LegendPlacement.Outside,
            LegendPosition = LegendPosition.TopLeft,
            LegendOrientation = LegendOrientation.Horizontal,
        });
        model.Axes.Add(new LinearAxis
        {
            Position = AxisPosition.Bottom,
            Title = "epoch",
            MinimumMajorStep = 1,
            MinimumMinorStep = 1,
            Minimum = 0.8,
            Maximum = epochs.Count + 0.2,
        });
        Axis values = isLogarithmic ? new LogarithmicAxis() : new LinearAxis { MinimumPadding = 0.05, MaximumPadding = 0.05 };
        (values.Position, values.Title, values.MajorGridlineStyle) = (AxisPosition.Left, title, LineStyle.Solid);
        model.Axes.Add(values);
        foreach (var (number, (name, value)) in series.Index())
            if (epochs.Any(epoch => value(epoch) is not null))
                model.Series.Add(Curve(epochs, name, value, PlotSvg.Series(number + 1)));
        Mark(model, epochs);
        return PlotSvg.Draw(model, Width, Height, description);
    }

    private static LineSeries Curve(IReadOnlyList<ReportEpoch> epochs, string name, Func<ReportEpoch, double?> value, OxyColor color)
    {
        var curve = new LineSeries { Title = name, Color = color, StrokeThickness = 2 };
        if (epochs.Count <= 30)
            (curve.MarkerType, curve.MarkerSize, curve.MarkerFill) = (MarkerType.Circle, 2.5, color);
        curve.Points.AddRange(epochs.Select((epoch, index) => new DataPoint(index + 1,
            value(epoch) is { } number && double.IsFinite(number) ? number : double.NaN)));
        return curve;
    }

    // The kept epoch; and where a stage begins, if there are several.
    private static void Mark(PlotModel model, IReadOnlyList<ReportEpoch> epochs)
    {
        foreach (var (index, epoch) in epochs.Index())
        {
            if (index > 0 && epoch.Stage != epochs[index - 1].Stage)
                model.Annotations.Add(Line(index + .5, $"stage '{epoch.Stage}'", PlotSvg.Muted, LineStyle.Dot));
            if (epoch.IsKept)
                model.Annotations.Add(Line(index + 1, "kept", PlotSvg.Good, LineStyle.Dash));
        }
    }

    private static LineAnnotation Line(double at, string text, OxyColor color, LineStyle style) => new()
    {
        Type = LineAnnotationType.Vertical,
        X = at,
        Text = text,
        TextColor = color,
        Color = color,
        LineStyle = style,
        TextLinePosition = 0.95,
    };
}
