using System.Globalization;
using Samples.Measuring;
using Spectre.Console;

namespace Samples.Output;

/// <summary>Shows a <see cref="Measurement"/>.</summary>
internal static class MeasurementTables
{
    private const int WidestMatrix = 20; // classes; more columns fit on no screen
    private const int HighestName = 12; // letters of a name that stands upright
    private const int MostMistakes = 3; // classes that another is taken for

    /// <summary>Prints the figures over all images.</summary>
    public static void Show(this Display display, Measurement measured)
    {
        var metrics = measured.Tally;
        display.Line($"micro accuracy  {metrics.MicroAccuracy:f4}   (of {metrics.Images} images)");
        display.Line($"macro accuracy  {metrics.MacroAccuracy:f4}   (mean over classes)");
        display.Line($"top-3 accuracy  {metrics.TopKAccuracy:f4}");
        display.Line($"log loss        {metrics.LogLoss:f4}   (nats)");
        if (measured.ImagesPerSecond is { } speed)
            display.Line($"images/s        {speed:f0}   (read, decode, score)");
        if (metrics.LeftOut > 0)
            display.Line($"left out        {metrics.LeftOut}   (images of classes that the model does not know)");
    }

    /// <summary>
    /// Prints how each class fares: its recall and, where it fits, the confusion matrix (rows are the truth, columns the prediction), under
    /// names that lie or stand; where it does not fit, what each class is most often taken for.
    /// </summary>
    public static void ShowClasses(this Display display, Measurement measured, IReadOnlyList<string> classNames)
        => display.Show(Classes(measured.Tally.Counts, classNames, display.Width, display.Border));

    /// <summary>The table of <see cref="ShowClasses"/>.</summary>
    /// <param name="counts">How many images of each class (the row) were taken for which (the column).</param>
    /// <param name="classNames">The classes.</param>
    /// <param name="width">Columns of the terminal.</param>
    /// <param name="border">The border; names that stand have none between them, so that more of them have room.</param>
    public static Table Classes(IReadOnlyList<long[]> counts, IReadOnlyList<string> classNames, int width, TableBorder border)
    {
        var frame = Math.Max("class".Length, classNames.Max(Width)) + "images".Length + "recall".Length + 3 * Display.BetweenColumns;
        var digits = Enumerable.Range(0, classNames.Count).Select(column => counts.Max(row => $"{row[column]}".Length)).ToList();
        var fits = classNames.Count <= WidestMatrix;
        var names = classNames.Zip(digits, (name, most) => Math.Max(Width(name), most) + Display.BetweenColumns).Sum();
        var lying = fits && frame + names < width;
        var standing = !lying && fits && frame + digits.Sum(most => most + 1) < width;
        var table = Display.NewTable(texts: ["class"], numbers:
        [
            "images", "recall",
            .. lying ? classNames : standing ? classNames.Select(Upright) : [],
        ]);
        if (standing)
            foreach (var column in table.Columns.Skip(3))
                column.Padding(0, 0);
        if (!lying && !standing)
            table.AddColumn(new TableColumn(new Text("taken for")));
        foreach (var (actual, row) in counts.Index())
            table.AddRow(
            [
                new Text(classNames[actual]), new Text($"{row.Sum()}"),
                new Text(row.Sum() > 0 ? $"{(double)row[actual] / row.Sum():f3}" : "-"),
                .. lying || standing ? row.Select(count => new Text($"{count}")) : [new Text(Mistakes(row, actual, classNames))],
            ]);
        return table.Border(standing ? TableBorder.Simple : border);
    }

    private static string Mistakes(long[] row, int actual, IReadOnlyList<string> classNames)
        => string.Join(", ", row.Index().Where(one => one.Index != actual && one.Item > 0).OrderByDescending(one => one.Item)
            .Take(MostMistakes).Select(one => $"{classNames[one.Index]} {one.Item}"));

    // Letter below letter; a long name ends with a sign that it goes on.
    private static string Upright(string name)
    {
        var letters = Letters(name);
        return string.Join('\n', letters.Count <= HighestName ? letters : [.. letters.Take(HighestName - 1), "⋮"]);
    }

    private static int Width(string name) => Letters(name).Count;

    private static List<string> Letters(string name)
    {
        var letters = new List<string>();
        for (var each = StringInfo.GetTextElementEnumerator(name); each.MoveNext();)
            letters.Add(each.GetTextElement());
        return letters;
    }
}
