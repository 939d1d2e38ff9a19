using System.Globalization;
using System.Text.Json.Nodes;
using Samples.Output;
using Spectre.Console;

namespace Samples.Predictions;

/// <summary>A class and its probability.</summary>
internal readonly record struct Answer(string Class, float Probability);

/// <summary>Writes predictions, one after the other.</summary>
internal abstract class PredictionWriter
{
    /// <summary>The words of <c>--format</c>.</summary>
    public static string[] Formats { get; } = ["table", "csv", "json"];

    /// <summary>The writer of a format.</summary>
    /// <param name="format">One of <see cref="Formats"/>.</param>
    /// <param name="writer">Where to.</param>
    /// <param name="display">Where tables are shown.</param>
    /// <param name="top">How many answers there are to each image.</param>
    public static PredictionWriter Create(string format, TextWriter writer, Display display, int top) => format switch
    {
        "csv" => new Csv(writer, top),
        "json" => new Json(writer),
        _ => new Lines(display, top),
    };

    /// <summary>Writes one.</summary>
    /// <param name="file">The image.</param>
    /// <param name="answers">The likeliest classes, the likeliest first.</param>
    public abstract void Add(string file, IReadOnlyList<Answer> answers);

    /// <summary>Writes what comes after the last.</summary>
    public virtual void End()
    {
    }

    // Numbers are written so that reading them gives the same bits.
    private static string Text(float probability) => probability.ToString("R", CultureInfo.InvariantCulture);

    private sealed class Lines(Display display, int top) : PredictionWriter
    {
        private readonly Table _table = Display.NewTable(texts: ["image", .. Enumerable.Range(1, top).Select(place => $"class {place}")]);

        public override void Add(string file, IReadOnlyList<Answer> answers)
            => _table.AddRow([new Text(file), .. answers.Select(answer => new Text($"{answer.Class} {answer.Probability * 100:f1} %"))]);

        public override void End() => display.Table(_table);
    }

    private sealed class Csv : PredictionWriter
    {
        private readonly TextWriter _writer;

        public Csv(TextWriter writer, int top)
        {
            _writer = writer;
            WriteRow(["image", .. Enumerable.Range(1, top).Select(place => place == 1 ? "" : $"{place}")
                .SelectMany(place => new[] { $"class{place}", $"probability{place}" })]);
        }

        public override void Add(string file, IReadOnlyList<Answer> answers)
            => WriteRow([file, .. answers.SelectMany(answer => new[] { answer.Class, Text(answer.Probability) })]);

        private void WriteRow(IEnumerable<string> cells) => _writer.WriteLine(string.Join(',', cells.Select(Quoted)));

        private static string Quoted(string cell)
            => cell.AsSpan().IndexOfAny(",\"\r\n") >= 0 ? $"\"{cell.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : cell;
    }

    private sealed class Json(TextWriter writer) : PredictionWriter
    {
        private int _count;

        public override void Add(string file, IReadOnlyList<Answer> answers)
        {
            var probabilities = answers.Select(answer => $"{Quoted(answer.Class)}:{Text(answer.Probability)}");
            writer.Write(_count++ == 0 ? "[\n" : ",\n");
            writer.Write($"{{\"image\":{Quoted(file)},\"class\":{Quoted(answers[0].Class)},"
                + $"\"probabilities\":{{{string.Join(',', probabilities)}}}}}");
        }

        public override void End() => writer.WriteLine(_count == 0 ? "[]" : "\n]");

        private static string Quoted(string text) => JsonValue.Create(text).ToJsonString();
    }
}
