using Microsoft.ML.ResNet.Foundation;
using Microsoft.ML.ResNet.Reports.Pages;
using Microsoft.ML.ResNet.Reports.Plots;
using OxyPlot;
using OxyPlot.SkiaSharp;

namespace Microsoft.ML.ResNet.Reports;

/// <summary>
/// Lines over two axes, as SVG for a page or as a PNG file. Lines differ in their marks as well as in their colours. Immutable.
/// </summary>
public sealed class LinePlot
{
    private const int UsualWidth = 640, UsualHeight = 400;
    private const int DotsPerInch = 96, Sharpness = 2; // dots for each of the size

    /// <summary>What the horizontal axis shows, with its unit.</summary>
    public required string XTitle { get; init; }

    /// <summary>What the vertical axis shows, with its unit.</summary>
    public required string YTitle { get; init; }

    /// <summary>
    /// Whether the horizontal axis is logarithmic; its values must then be above 0. The default is <see langword="false"/>.
    /// </summary>
    public bool HasLogarithmicX { get; init; }

    /// <summary>The lines, in the order of the legend; one at least. A plot of a single line has no legend.</summary>
    public required IReadOnlyList<PlotLine> Lines { get; init; }

    /// <summary>A place on the horizontal axis that is marked by an upright line; <see langword="null"/>, the default, for none.</summary>
    public double? MarkedX { get; init; }

    /// <summary>What the mark says. The default is nothing.</summary>
    public string MarkText { get; init; } = "";

    /// <summary>The greatest value of the vertical axis; <see langword="null"/>, the default, has room for all points.</summary>
    public double? MostY { get; init; }

    /// <summary>The plot as an <c>svg</c> element for pages of this library, in their colours.</summary>
    internal string ToSvg() => PlotSvg.Draw(LinePlotModel.Of(this, PlotSvg.Series, PlotSvg.Muted), UsualWidth, UsualHeight,
        $"{YTitle} against {XTitle}");

    /// <summary>Writes the plot as a PNG file, on white.</summary>
    /// <param name="path">The file; an older one is replaced.</param>
    /// <param name="width">Width in pixels at 96 dots an inch, of which the file has twice as many. The default is 640.</param>
    /// <param name="height">Height, likewise. The default is 400.</param>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public void WritePng(string path, int width = UsualWidth, int height = UsualHeight)
    {
        var model = LinePlotModel.Of(this, PaperColors.Series, PaperColors.Muted);
        model.Background = OxyColors.White;
        var exporter = new PngExporter
        {
            Width = width * Sharpness,
            Height = height * Sharpness,
            Dpi = DotsPerInch * Sharpness,
            UseTextShaping = false, // that needs native files of HarfBuzz, for scripts that no axis is titled in
        };
        SafeFile.Write(path, file => exporter.Export(model, file));
    }
}

/// <summary>A line of a <see cref="LinePlot"/>.</summary>
/// <param name="name">What the legend calls it.</param>
/// <param name="points">Its points, from left to right.</param>
public sealed class PlotLine(string name, IReadOnlyList<PlotPoint> points)
{
    /// <summary>What the legend calls it.</summary>
    public string Name { get; } = name;

    /// <summary>Its points, from left to right.</summary>
    public IReadOnlyList<PlotPoint> Points { get; } = points;

    /// <summary>Whether points are marked. The default is <see langword="true"/>; leave it out where there are hundreds.</summary>
    public bool HasMarks { get; init; } = true;

    /// <summary>Whether points are joined. The default is <see langword="true"/>.</summary>
    public bool IsJoined { get; init; } = true;

    /// <summary>Whether the line stands back behind the others, thin and grey. The default is <see langword="false"/>.</summary>
    public bool IsFaint { get; init; }
}

/// <summary>A point of a <see cref="PlotLine"/>.</summary>
/// <param name="x">Where it is on the horizontal axis.</param>
/// <param name="y">Where it is on the vertical axis.</param>
/// <param name="spread">How far its value goes up and down; 0, the default, for a value without spread.</param>
public sealed class PlotPoint(double x, double y, double spread = 0)
{
    /// <summary>Where it is on the horizontal axis.</summary>
    public double X { get; } = x;

    /// <summary>Where it is on the vertical axis.</summary>
    public double Y { get; } = y;

    /// <summary>How far its value goes up and down; 0 for a value without spread.</summary>
    public double Spread { get; } = spread;
}
