using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using OxyPlot;

namespace Microsoft.ML.ResNet.Reports.Pages;

/// <summary>
/// Plots for pages, as SVG that is part of the page: its colours are those of <c>page.css</c>, so that they follow light and dark. Plots
/// are coloured with the members of this class.
/// </summary>
internal static partial class PlotSvg
{
    private const double TitleDistance = 12; // pixels; browsers' letters are wider than OxyPlot thinks

    // Colours that nobody would choose; each stands for a variable of page.css.
    private static readonly string[] Variables =
    [
        "paper", "ink", "muted", "line", "accent", "good", "warn", "bad", "series-1", "series-2", "series-3", "series-4", "series-5",
        "series-6",
    ];

    /// <summary>The background.</summary>
    public static OxyColor Paper => Stand("paper");

    /// <summary>Text and axes.</summary>
    public static OxyColor Ink => Stand("ink");

    /// <summary>What is less important.</summary>
    public static OxyColor Muted => Stand("muted");

    /// <summary>The grid.</summary>
    public static OxyColor Line => Stand("line");

    /// <summary>What is good.</summary>
    public static OxyColor Good => Stand("good");

    /// <summary>What is bad.</summary>
    public static OxyColor Bad => Stand("bad");

    /// <summary>The colour of a series.</summary>
    /// <param name="number">Which, from 1; after the sixth they begin again.</param>
    public static OxyColor Series(int number) => Stand($"series-{(number - 1) % 6 + 1}");

    /// <summary>Draws a plot.</summary>
    /// <param name="model">The plot; its text, axes and background get the page's colours.</param>
    /// <param name="width">In pixels, where there is room.</param>
    /// <param name="height">In pixels.</param>
    /// <param name="description">What it shows, for who does not see it; text.</param>
    /// <returns>The element; all text in it is escaped.</returns>
    public static string Draw(PlotModel model, double width, double height, string description)
    {
        (model.TextColor, model.TitleColor, model.PlotAreaBorderColor) = (Ink, Ink, Line);
        model.Padding = new OxyThickness(8, 8, 20, 8);
        (model.Background, model.PlotAreaBackground) = (OxyColors.Undefined, OxyColors.Undefined);
        foreach (var axis in model.Axes)
        {
            axis.AxisTitleDistance = TitleDistance;
            (axis.TicklineColor, axis.AxislineColor, axis.MajorGridlineColor, axis.TextColor, axis.TitleColor)
                = (Line, Line, Line, Muted, Ink);
        }
        var svg = new SvgExporter { Width = width, Height = height, IsDocument = false, UseVerticalTextAlignmentWorkaround = true }
            .ExportToString(model);
        svg = Colour().Replace(svg, match => int.Parse(match.Groups["index"].ValueSpan, null) is var index && index < Variables.Length
            ? $"var(--{Variables[index]})"
            : match.Value);
        var own = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(svg)))[..8]; // OxyPlot gives every plot the same names
        svg = Name().Replace(svg, $"${{before}}plot-{own}-${{name}}");
        var label = System.Net.WebUtility.HtmlEncode(description);
        return SvgTag().Replace(svg, $"<svg role=\"img\" aria-label=\"{label.Replace("$", "$$", StringComparison.Ordinal)}\" "
            + FormattableString.Invariant($"viewBox=\"0 0 {width} {height}\" "), 1);
    }

    private static OxyColor Stand(string variable) => OxyColor.FromRgb(1, 2, (byte)Array.IndexOf(Variables, variable));

    [GeneratedRegex(@"rgb\(1,2,(?<index>\d+)\)")]
    private static partial Regex Colour();

    [GeneratedRegex("(?<before> id=\"|url\\(#)(?<name>\\w+)")]
    private static partial Regex Name();

    [GeneratedRegex("<svg ")]
    private static partial Regex SvgTag();
}
