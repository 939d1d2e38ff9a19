using Microsoft.ML;
using Microsoft.ML.Runtime;
using Samples.CommandLine;
using Spectre.Console;

namespace Samples.Output;

/// <summary>Where results go: bars, frames and colours on a terminal; plain lines when the output is redirected.</summary>
internal sealed class Display
{
    private const int NoWrapping = 10_000; // columns; a file has no right margin
    private const int WidthOfBars = 124; // columns that a text of 64 needs with a bar of 40 and the rest

    private static readonly string[] Beginnings = ["Training ", "Resuming ", "Held out "];

    private readonly IAnsiConsole _console = Console.IsOutputRedirected ? Plain(Console.Out) : AnsiConsole.Console;

    /// <summary>Whether a person watches, so that bars may move.</summary>
    public bool IsLive => _console.Profile.Capabilities is { Interactive: true, Ansi: true };

    /// <summary>Columns of the terminal.</summary>
    public int Width => _console.Profile.Width;

    /// <summary>
    /// Bars for things that take long; only when <see cref="IsLive"/>. Where a bar has no room beside its text, there is the text alone.
    /// </summary>
    public Progress Progress()
    {
        var text = new TaskDescriptionColumn { Alignment = Justify.Left };
        return _console.Progress().AutoClear(true).Columns(Width >= WidthOfBars
            ? [text, new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn(), new SpinnerColumn()]
            : [text]);
    }

    /// <summary>Where text goes as it is, however wide the terminal.</summary>
    public TextWriter Writer => _console.Profile.Out.Writer;

    /// <summary>Prints a line of text as it is, however wide the terminal: paths and JSON can be copied.</summary>
    public void Line(string text = "") => Writer.WriteLine(text);

    /// <summary>Prints a line of text while bars may be shown: above them.</summary>
    public void LineAboveBars(string text) => _console.WriteLine(text);

    /// <summary>Prints a table.</summary>
    public void Table(Table table) => _console.Write(table.Border(IsLive ? TableBorder.Rounded : TableBorder.None));

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
        else if (message.Kind == ChannelMessageKind.Info
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
