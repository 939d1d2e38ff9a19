using System.Globalization;
using System.Text.Json.Serialization;
using Microsoft.ML.ResNet.Reports.Pages;

namespace Microsoft.ML.ResNet.Reports;

/// <summary>Plots and tables as one page that needs nothing but itself: no network, no other file. Immutable.</summary>
public sealed partial class PlotPage
{
    /// <summary>The heading.</summary>
    public required string Title { get; init; }

    /// <summary>What stands below it. The default is nothing.</summary>
    public IReadOnlyList<string> Paragraphs { get; init; } = [];

    /// <summary>The plots. The default is none.</summary>
    public IReadOnlyList<LinePlot> Plots { get; init; } = [];

    /// <summary>The tables, whose columns sort. The default is none.</summary>
    public IReadOnlyList<PlotTable> Tables { get; init; } = [];

    /// <summary>The command that makes the same again; empty, the default, for none.</summary>
    public string Command { get; init; } = "";

    /// <summary>Writes the page; an older file stays as it was until the new one is whole.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public void Write(string path)
    {
        var page = new Page("plots.html", Title)
        {
            Markup = new Dictionary<string, string>
            {
                ["plots"] = string.Concat(Plots.Select(plot => $"<figure class=\"plot\">{plot.ToSvg()}</figure>")),
            },
        };
        page.Write(path, new Content(Title, Paragraphs, Tables, Command), Json.Default.Content);
    }

    private sealed record Content(string Title, IReadOnlyList<string> Paragraphs, IReadOnlyList<PlotTable> Tables, string Command);

    [JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
    [JsonSerializable(typeof(Content))]
    private sealed partial class Json : JsonSerializerContext;
}

/// <summary>A table of a <see cref="PlotPage"/>.</summary>
/// <param name="caption">What it shows.</param>
/// <param name="heads">The heads of its columns.</param>
/// <param name="rows">Its rows, with a cell for each column.</param>
public sealed class PlotTable(string caption, IReadOnlyList<string> heads, IReadOnlyList<IReadOnlyList<PlotCell>> rows)
{
    /// <summary>What it shows.</summary>
    public string Caption { get; } = caption;

    /// <summary>The heads of its columns.</summary>
    public IReadOnlyList<string> Heads { get; } = heads;

    /// <summary>Its rows.</summary>
    public IReadOnlyList<IReadOnlyList<PlotCell>> Rows { get; } = rows;
}

/// <summary>A cell of a <see cref="PlotTable"/>: a text, or a number that columns sort by.</summary>
public sealed class PlotCell
{
    /// <summary>Makes a cell of a text.</summary>
    /// <param name="text">The text.</param>
    public PlotCell(string text) => Text = text;

    /// <summary>Makes a cell of a number.</summary>
    /// <param name="value">The number; <see langword="null"/> where there is none.</param>
    /// <param name="format">How it is written, as .NET formats numbers. The default, <c>n0</c>, is a whole number.</param>
    public PlotCell(double? value, string format = "n0")
        => (Value, Text) = (value, value?.ToString(format, CultureInfo.InvariantCulture) ?? "–");

    /// <summary>What is shown.</summary>
    public string Text { get; }

    /// <summary>What is sorted by; <see langword="null"/> for a text.</summary>
    public double? Value { get; }
}
