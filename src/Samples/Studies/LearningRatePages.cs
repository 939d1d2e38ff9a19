using System.Globalization;
using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Reports;
using Samples.CommandLine;
using Samples.Output;
using Spectre.Console;

namespace Samples.Studies;

/// <summary>Shows loss against rate: on a terminal, as a page, as PNG and as CSV.</summary>
internal static class LearningRatePages
{
    /// <summary>The page's name.</summary>
    public const string Page = "learning-rate.html";

    /// <summary>The name of the CSV file.</summary>
    public const string Csv = "learning-rate.csv";

    private const string Picture = "learning-rate.png";
    private const int WidestPlot = 78, LinesOfPlot = 10; // on a terminal
    private const int LinesOfTable = 12; // where there is none
    private const double Headroom = 1.5; // of the loss at the lowest rate: what is above is the explosion

    /// <summary>The suggestion as one would write it: the recipe's own rate, or another with two digits.</summary>
    public static double? Suggested(LearningRateCurve curve)
        => curve.Suggestion is not { } rate ? null : rate == curve.RecipeRate ? rate : Rounded(rate);

    /// <summary>A rate with two digits.</summary>
    public static double Rounded(double rate)
        => double.Parse(rate.ToString("e1", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    /// <summary>Prints a plot, or numbers where the output is redirected, and the suggestion.</summary>
    public static void Show(Display display, LearningRateCurve curve)
    {
        if (display.IsLive)
            display.Show(Plot(curve).Draw(Math.Min(display.Width - 1, WidestPlot), LinesOfPlot));
        else
            display.Table(Table(curve));
        display.Line(Advice(curve, "--learning-rate "));
        if (curve.Suggestion is null)
            display.Line("Look at the data, or try other rates: --least, --most.");
    }

    /// <summary>Writes the files.</summary>
    /// <param name="folder">The folder; it is there.</param>
    /// <param name="curve">What was found.</param>
    /// <param name="command">The command that found it.</param>
    public static void Write(string folder, LearningRateCurve curve, string command)
    {
        OutputFile.Write(Path.Combine(folder, Csv), TextWriter.Null, text =>
        {
            text.WriteLine("Rate,Loss,SmoothedLoss");
            foreach (var point in curve.Points)
                text.WriteLine(string.Join(',', Exact(point.Rate), Exact(point.Loss), Exact(point.SmoothedLoss)));
        });
        var plot = new LinePlot
        {
            XTitle = "learning rate",
            YTitle = "training loss (nats)",
            HasLogarithmicX = true,
            MostY = Ceiling(curve),
            MarkedX = curve.Suggestion,
            MarkText = Suggested(curve) is { } rate ? Text(rate) : "",
            Lines =
            [
                Line("each step", curve, point => point.Loss, isFaint: true),
                Line("smoothed", curve, point => point.SmoothedLoss, isFaint: false),
            ],
        };
        plot.WritePng(Path.Combine(folder, Picture));
        new PlotPage
        {
            Title = "Learning rate",
            Paragraphs =
            [
                Advice(curve),
                $"A short training of its own tried {curve.Points.Count} rates, each higher than the one before by the same factor, on a "
                    + "batch each. Useful are those from where the loss has made four fifths of its fall to where it has risen by a fifth "
                    + "of it. Between them such a test cannot tell better from worse; below and above, training suffers.",
            ],
            Plots = [plot],
            Tables = [new("Steps", ["rate", "loss", "smoothed loss"], [.. curve.Points.Select(point => new PlotCell[]
            {
                new(point.Rate, "g3"), new(point.Loss, "f4"), new(point.SmoothedLoss, "f4"),
            })])],
            Command = command,
        }.Write(Path.Combine(folder, Page));
    }

    private static string Advice(LearningRateCurve curve, string option = "")
    {
        if (Suggested(curve) is not { } rate)
            return $"No rate made the loss fall. The recipe's own rate is {Text(curve.RecipeRate)}.";
        var useful = $"{Text(Rounded(curve.LowestUseful!.Value))} to {Text(Rounded(curve.HighestUseful!.Value))} are useful here";
        return rate == curve.RecipeRate
            ? $"Suggested: {option}{Text(rate)}, the recipe's own: {useful}."
            : $"Suggested: {option}{Text(rate)}: {useful}, and the recipe's own rate is {Text(curve.RecipeRate)}.";
    }

    private static PlotLine Line(string name, LearningRateCurve curve, Func<LearningRatePoint, double> value, bool isFaint)
        => new(name, [.. Drawn(curve).Select(point => new PlotPoint(point.Rate, value(point)))]) { HasMarks = false, IsFaint = isFaint };

    private static TextPlot Plot(LearningRateCurve curve) => new("loss against learning rate",
        [new([.. Drawn(curve).Select(point => (Math.Log10(point.Rate), point.SmoothedLoss))], Color.DodgerBlue1)])
    {
        Ends = (Text(Rounded(curve.Points[0].Rate)), Text(Rounded(Drawn(curve)[^1].Rate))),
        Marked = curve.Suggestion is { } rate ? Math.Log10(rate) : null,
    };

    private static Table Table(LearningRateCurve curve)
    {
        var table = Display.NewTable(texts: [], numbers: ["rate", "loss"]);
        var every = Math.Max(1, curve.Points.Count / LinesOfTable);
        foreach (var (index, point) in curve.Points.Index())
            if (index % every == 0 || index == curve.Points.Count - 1)
                table.AddRow(new Text(Text(Rounded(point.Rate))), new Text($"{point.SmoothedLoss:f4}"));
        return table;
    }

    // Without the explosion at the end, beside which everything else would be flat.
    private static List<LearningRatePoint> Drawn(LearningRateCurve curve)
        => [.. curve.Points.TakeWhile((point, index) => index < 2 || point.SmoothedLoss <= Ceiling(curve))];

    private static double Ceiling(LearningRateCurve curve) => Headroom * curve.Points.Take(10).Max(point => point.SmoothedLoss);

    private static string Text(double rate) => rate.ToString("0.##########", CultureInfo.InvariantCulture);

    private static string Exact(double value) => value.ToString("r", CultureInfo.InvariantCulture);
}
