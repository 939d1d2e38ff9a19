using Microsoft.ML;
using Microsoft.ML.Runtime;
using Samples.CommandLine;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Samples.Output;

/// <summary>Where results go: bars, frames and colours on a terminal; plain lines when the output is redirected.</summary>
/// <param name="heading">
/// What this shows a part of, as bars call it: then there are bars and warnings, and nothing else. Empty, the default, for everything.
/// </param>
/// <param name="console">Where to show it; <see langword="null"/>, the default, takes the process's output.</param>
internal sealed class Display(string heading = "", IAnsiConsole? console = null)
{
    private const int NoWrapping = 10_000; // columns; a file has no right margin
    private const int WidestBar = 40, NarrowestBar = 6; // columns
    private const int BesideBars = 7; // columns: percents, and a space before and after

    /// <summary>Columns between two of a table's, its frame included.</summary>
    public const int BetweenColumns = 3;

    private static readonly string[] Beginnings = ["Training ", "Resuming ", "Held out "];

    private readonly IAnsiConsole _console = console ?? (Console.IsOutputRedirected ? Plain(Console.Out) : AnsiConsole.Console);

    /// <summary>What this shows a part of; empty where it shows everything.</summary>
    public string Heading { get; } = heading;

    /// <summary>Whether there are bars and warnings alone.</summary>
    public bool IsQuiet => Heading.Length > 0;

    /// <summary>Whether a person watches, so that bars may move.</summary>
    public bool IsLive => _console.Profile.Capabilities is { Interactive: true, Ansi: true };

    /// <summary>Columns of the terminal.</summary>
    public int Width => _console.Profile.Width;

    /// <summary>Lines of the terminal.</summary>
    public int Height => _console.Profile.Height;

    /// <summary>
    /// Bars for things that take long; only when <see cref="IsLive"/>. Where a bar has no room beside its text, there is the text alone.
    /// </summary>
    /// <param name="widthOfText">Columns that the text beside a bar needs.</param>
    /// <param name="below">What to show below them, asked again and again.</param>
    public Progress Progress(int widthOfText, Func<IRenderable?> below)
    {
        var text = new TaskDescriptionColumn { Alignment = Justify.Left };
        var room = Math.Min(WidestBar, Width - widthOfText - BesideBars);
        return _console.Progress().AutoClear(true)
            .Columns(room < NarrowestBar ? [text] : [text, new ProgressBarColumn { Width = room }, new PercentageColumn()])
            .UseRenderHook((bars, _) => new Rows([.. IsQuiet ? [new Text(Heading)] : Array.Empty<IRenderable>(), bars,
                .. below() is { } more ? [more] : Array.Empty<IRenderable>()]));
    }

    /// <summary>Prints something that has been drawn, with its own border.</summary>
    public void Show(IRenderable drawing) => _console.Write(drawing);

    /// <summary>Where text goes as it is, however wide the terminal.</summary>
    public TextWriter Writer => IsQuiet ? TextWriter.Null : _console.Profile.Out.Writer;

    /// <summary>Prints a line of text as it is, however wide the terminal: paths and JSON can be copied.</summary>
    public void Line(string text = "") => Writer.WriteLine(text);

    /// <summary>Prints a line of text while bars may be shown: above them.</summary>
    public void LineAboveBars(string text) => _console.WriteLine(IsQuiet ? $"{Heading}: {text}" : text);

    /// <summary>The border of tables: none where programs may read them.</summary>
    public TableBorder Border => IsLive ? TableBorder.Rounded : TableBorder.None;

    /// <summary>Prints a table.</summary>
    public void Table(Table table) => _console.Write(table.Border(Border));

    /// <summary>Prints one line on standard error, red on a terminal.</summary>
    public static void Error(string message)
    {
        if (Console.IsErrorRedirected)
            Console.Error.WriteLine(message);
        else
            AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) })
                .WriteLine(message, new Style(Color.Red));
    }

    /// <summary>Prints what the trainer is about to do, and what ML.NET warns of (classes without rows, rows left out).</summary>
    /// <param name="mlContext">Whose log to print.</param>
    /// <param name="isSaid">Is asked about each warning, and says whether it has told it in words of its own.</param>
    public void Follow(MLContext mlContext, Func<string, bool>? isSaid = null) => mlContext.Log += (_, message) =>
    {
        if (message.Kind == ChannelMessageKind.Warning && isSaid?.Invoke(message.RawMessage) == true)
            return;
        if (message.Kind == ChannelMessageKind.Warning)
            LineAboveBars($"Warning: {Vocabulary.Translate(message.RawMessage)}");
        else if (!IsQuiet && message.Kind == ChannelMessageKind.Info
            && Beginnings.Any(start => message.RawMessage.StartsWith(start, StringComparison.Ordinal)))
            LineAboveBars(message.RawMessage);
    };

    /// <summary>An empty table.</summary>
    /// <param name="texts">The heads of the first columns, aligned left.</param>
    /// <param name="numbers">The heads of the columns after them, aligned right.</param>
    public static Table NewTable(IEnumerable<string> texts, params IEnumerable<string> numbers)
    {
        var table = new Table();
        foreach (var head in texts)
            table.AddColumn(new TableColumn(new Text(head)));
        foreach (var head in numbers)
            table.AddColumn(new TableColumn(new Text(head)) { Alignment = Justify.Right, NoWrap = true });
        return table;
    }

    private static IAnsiConsole Plain(TextWriter writer)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.No,
            ColorSystem = ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(writer),
            Enrichment = new ProfileEnrichment { UseDefaultEnrichers = false },
        });
        console.Profile.Width = NoWrapping;
        return console;
    }
}
