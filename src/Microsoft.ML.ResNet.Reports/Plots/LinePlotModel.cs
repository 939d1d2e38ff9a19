using OxyPlot;
using OxyPlot.Annotations;
using OxyPlot.Axes;
using OxyPlot.Legends;
using OxyPlot.Series;

namespace Microsoft.ML.ResNet.Reports.Plots;

/// <summary>A <see cref="LinePlot"/> as OxyPlot draws it.</summary>
internal static class LinePlotModel
{
    private static readonly MarkerType[] Marks = [MarkerType.Circle, MarkerType.Square, MarkerType.Triangle, MarkerType.Diamond];

    /// <summary>Makes it.</summary>
    /// <param name="plot">The plot.</param>
    /// <param name="colorOf">The colour of a line, by its number from 1.</param>
    /// <param name="muted">The colour of faint lines and of the mark.</param>
    public static PlotModel Of(LinePlot plot, Func<int, OxyColor> colorOf, OxyColor muted)
    {
        var model = new PlotModel { DefaultFontSize = 13 };
        var across = plot.Lines.SelectMany(line => line.Points).Select(point => point.X).ToList();
        model.Axes.Add(Styled(plot.HasLogarithmicX ? new LogarithmicAxis() : Padded(across.Min(), across.Max()), AxisPosition.Bottom,
            plot.XTitle));
        model.Axes.Add(Styled(new LinearAxis { MinimumPadding = 0.05, MaximumPadding = 0.05, Maximum = plot.MostY ?? double.NaN },
            AxisPosition.Left, plot.YTitle));
        foreach (var (index, line) in plot.Lines.Index())
        {
            var color = line.IsFaint ? muted : colorOf(index + 1);
            if (line.Points.Any(point => point.Spread > 0))
                model.Series.Add(Spreads(line, color));
            model.Series.Add(Line(line, color, line.HasMarks ? Marks[index % Marks.Length] : MarkerType.None));
        }
        if (plot.MarkedX is { } x)
            model.Annotations.Add(new LineAnnotation
            {
                Type = LineAnnotationType.Vertical,
                X = x,
                Text = plot.MarkText,
                TextOrientation = AnnotationTextOrientation.Horizontal,
                Color = muted,
                TextColor = colorOf(1),
                LineStyle = LineStyle.Dash,
            });
        if (plot.Lines.Count > 1)
            model.Legends.Add(new Legend
            {
                LegendPlacement = LegendPlacement.Outside,
                LegendPosition = LegendPosition.TopLeft,
                LegendOrientation = LegendOrientation.Horizontal,
                LegendItemSpacing = 28,
                LegendPadding = 28,
            });
        return model;
    }

    private static LinearAxis Padded(double least, double most)
    {
        var margin = most > least ? (most - least) * 0.06 : 1;
        return new LinearAxis { Minimum = least - margin, Maximum = most + margin };
    }

    private static Axis Styled(Axis axis, AxisPosition position, string title)
    {
        (axis.Position, axis.Title, axis.AxisTitleDistance) = (position, title, 18); // browsers' letters are wider than OxyPlot thinks
        (axis.MajorGridlineStyle, axis.MajorGridlineColor) = (LineStyle.Solid, OxyColor.FromRgb(225, 225, 225));
        return axis;
    }

    private static LineSeries Line(PlotLine line, OxyColor color, MarkerType mark)
    {
        var series = new LineSeries
        {
            Title = line.Name,
            Color = color,
            StrokeThickness = line.IsFaint ? 1 : 2,
            LineStyle = line.IsJoined ? LineStyle.Solid : LineStyle.None,
            MarkerType = mark,
            MarkerFill = color,
            MarkerSize = 4,
        };
        series.Points.AddRange(line.Points.Select(point => new DataPoint(point.X, point.Y)));
        return series;
    }

    private static ScatterErrorSeries Spreads(PlotLine line, OxyColor color)
    {
        var series = new ScatterErrorSeries { ErrorBarColor = color, MarkerType = MarkerType.None, ErrorBarStopWidth = 4 };
        series.Points.AddRange(line.Points.Select(point => new ScatterErrorPoint(point.X, point.Y, 0, 2 * point.Spread)));
        return series;
    }
}
