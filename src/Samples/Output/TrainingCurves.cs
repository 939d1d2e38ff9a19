using Microsoft.ML.ResNet;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Samples.Output;

/// <summary>The curves of a training, small enough to stand below its bar.</summary>
internal static class TrainingCurves
{
    private const int Lines = 5, LinesWithFrame = Lines + 4;
    private const int WidthOfTwo = 58, WidestPlot = 50; // columns
    private static readonly Color TrainColor = Color.Grey, ValidationColor = Color.DodgerBlue1;

    /// <summary>Draws loss and accuracy per epoch; on a narrow terminal the loss alone, and nothing where there is no room.</summary>
    /// <param name="reports">The epochs so far; there is nothing to draw before the second.</param>
    /// <param name="width">Columns of the terminal.</param>
    /// <param name="height">Lines of the terminal.</param>
    public static IRenderable? Draw(IReadOnlyList<EpochReport> reports, int width, int height)
    {
        if (reports.Count < 2 || width < WidthOfTwo / 2 || height < 2 * LinesWithFrame)
            return null;
        var validates = reports[0].ValidationLoss is not null;
        var ends = ($"epoch {reports[0].Epoch}", $"{reports[^1].Epoch}");
        var loss = Plot("loss", report => report.TrainLoss, report => report.ValidationLoss);
        var accuracy = Plot("accuracy", report => report.TrainAccuracy, report => report.ValidationAccuracy);
        var legend = new Paragraph();
        if (validates)
            legend.Append("        ⠤⠤⠤ validation   ").Append("⠄⠠ ", new Style(TrainColor)).Append("training\n");
        if (width < WidthOfTwo)
            return new Rows(loss.Draw(width - 1, Lines), legend);
        var each = Math.Min(WidestPlot, (width - 2) / 2);
        var two = new Grid().AddColumn(Column()).AddColumn(Column()).AddRow(loss.Draw(each, Lines), accuracy.Draw(each, Lines));
        return new Rows(two, legend);

        static GridColumn Column() => new GridColumn { NoWrap = true }.Padding(0, 0, 1, 0);

        TextPlot Plot(string title, Func<EpochReport, double> train, Func<EpochReport, double?> validation)
        {
            List<TextCurve> curves = [new([.. reports.Select(report => ((double)report.Epoch, train(report)))], TrainColor,
                IsDotted: validates)];
            if (validates)
                curves.Add(new([.. reports.Select(report => ((double)report.Epoch, validation(report) ?? double.NaN))], ValidationColor));
            return new TextPlot(title, curves) { Ends = ends };
        }
    }
}
