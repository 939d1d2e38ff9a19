using global::Samples.Output;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Microsoft.ML.ResNet.Tests.Samples;

/// <summary>What a terminal shows at 60 and 80 columns, with colours and without.</summary>
[TestClass]
public class TerminalTests
{
    private static readonly string[] Cifar10 =
        ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

    [TestMethod]
    public void A_plot_draws_each_point_where_it_belongs()
    {
        var plot = new TextPlot("a line", [new([(0, 0), (1, 1)], Color.Blue)]) { Marked = 0.5 };

        var lines = Render(plot.Draw(width: 24, height: 4), width: 24);

        // 16 characters of 2 dots across, 4 of 4 dots down: from the dot at the left below to the one at the right above.
        Assert.AreEqual("        a line", lines[0]);
        Assert.AreEqual("      1│", lines[1][..8]);
        Assert.AreEqual("      0│", lines[4][..8]);
        Assert.AreNotEqual(0, lines[4][8] & 0x40, "the lowest dot at the left");
        Assert.AreNotEqual(0, lines[1][23] & 0x08, "the highest dot at the right");
        Assert.AreEqual("       └────────────────", lines[5]);
        Assert.AreEqual("        0              1", lines[6]);
        for (var row = 1; row <= 4; row++) // a straight line: every column of characters is met, by the rows in turn
            Assert.AreEqual(4, lines[row][8..].Count(letter => letter is > '\u2800' and <= '\u28ff'), lines[row]);
        Assert.AreEqual('┊', lines[1][16]);
    }

    [TestMethod]
    public void A_plot_of_nothing_or_of_what_is_no_number_is_its_title()
    {
        Assert.AreEqual("        loss", Render(new TextPlot("loss", []).Draw(40, 5), 40).First());
        var one = Render(new TextPlot("loss", [new([(1, double.NaN), (2, 3), (3, double.PositiveInfinity)], Color.Red)]).Draw(40, 5), 40);
        Assert.AreEqual(1, one.Sum(line => line.Count(letter => letter is > '\u2800' and <= '\u28ff')));
    }

    [TestMethod]
    [DataRow(60, true)]
    [DataRow(60, false)]
    [DataRow(80, false)]
    public void Curves_of_a_training_fit_and_differ_without_colours(int width, bool colors)
    {
        var reports = Enumerable.Range(1, 8).Select(epoch => Report(epoch, 2.0 / epoch, 2.2 / epoch)).ToList();

        var lines = Render(TrainingCurves.Draw(reports, width, height: 30)!, width, colors);

        Assert.IsTrue(lines.All(line => Plain(line).Length <= width), string.Join('\n', lines));
        StringAssert.Contains(lines[0], "loss");
        StringAssert.Contains(lines[0], "accuracy");
        StringAssert.Contains(string.Join('\n', lines), "validation");
        Assert.AreEqual(colors, lines.Any(line => line.Contains('\e', StringComparison.Ordinal)));
        Assert.IsNull(TrainingCurves.Draw(reports, width, height: 12), "no room below the lines of a small terminal");
        Assert.IsNull(TrainingCurves.Draw(reports[..1], width, height: 30), "one point is no curve");
    }

    [TestMethod]
    [DataRow(10_000, "airplane")] // redirected
    [DataRow(120, "airplane")]
    [DataRow(80, "upright")]
    [DataRow(60, "taken for")]
    public void Confusion_matrices_have_the_names_of_classes_at_every_width(int width, string kind)
    {
        var random = new Random(1);
        var counts = Cifar10.Select((_, row) => Cifar10.Select((_, column) => (long)(row == column ? 80 : random.Next(1, 9))).ToArray())
            .ToArray();

        var table = MeasurementTables.Classes(counts, Cifar10, width, TableBorder.Rounded);
        var lines = Render(table, width);

        Assert.IsTrue(lines.All(line => line.Length <= width), string.Join('\n', lines));
        var text = string.Join('\n', lines);
        foreach (var name in Cifar10)
            Assert.IsTrue(lines.Any(line => line.Contains($" {name} ", StringComparison.Ordinal)), $"{name} in\n{text}");
        if (kind == "upright")
            CollectionAssert.Contains(lines.Select(line => new string([.. line.Where(char.IsLetter)])).ToList(), "iuiaeorohr",
                "the second letters");
        else
            StringAssert.Contains(lines[1], kind == "airplane" ? " automobile " : kind);
        if (kind == "taken for")
        {
            var most = counts[2].Index().Where(one => one.Index != 2).MaxBy(one => one.Item);
            StringAssert.Contains(lines.Single(line => line.StartsWith("│ bird ", StringComparison.Ordinal)),
                $"{Cifar10[most.Index]} {most.Item}");
        }
        else
            Assert.AreEqual(10, lines.Count(line => $"{line} ".Contains(" 80 ", StringComparison.Ordinal)), text);
    }

    [TestMethod]
    [DataRow(40)]
    [DataRow(60)]
    [DataRow(80)]
    [DataRow(140)]
    public void Lines_of_epochs_and_bars_fit(int width)
    {
        var output = new StringWriter();
        var display = new Display("", Terminal(output, width, colors: false, interactive: true));
        var epochs = new EpochLines(display);

        epochs.During(2, report =>
        {
            for (var epoch = 1; epoch <= 2; epoch++)
            {
                ((IProgress<TrainingProgress>)epochs).Report(new(epoch, 2, 157, 157, 1, 0.5, 1234, TimeSpan.FromMinutes(3),
                    TimeSpan.FromSeconds(754), null));
                report(Report(epoch, 1.5, 1.25));
                Thread.Sleep(300); // bars are drawn ten times a second
            }
            return 0;
        });

        var lines = Plain(output.ToString()).Split('\n', '\r').Select(line => line.TrimEnd()).ToList();
        Assert.IsTrue(lines.All(line => line.Length <= width), string.Join('\n', lines.Where(line => line.Length > width)));
        var text = string.Join('\n', lines);
        StringAssert.Contains(text, width >= 90 ? "step 157/157, 1234 images/s, 00:12:34 left" : "157/157 1234/s -00:12:34");
        Assert.AreEqual(width >= 60, text.Contains('%'), "percents stand beside a bar");
        if (width >= 60)
            Assert.IsTrue(lines.Any(line => line.TrimStart().StartsWith("1 ", StringComparison.Ordinal)
                && line.Contains("1.25", StringComparison.Ordinal)));
    }

    [TestMethod]
    public void A_part_of_something_larger_shows_its_heading_and_nothing_but_bars()
    {
        var output = new StringWriter();
        var epochs = new EpochLines(new Display("3/48 cifar-20", Terminal(output, 60, colors: false, interactive: true)));

        epochs.During(1, report =>
        {
            report(Report(1, 1.5, 1.25));
            Thread.Sleep(300);
            return 0;
        });

        StringAssert.Contains(output.ToString(), "3/48 cifar-20");
        Assert.IsFalse(output.ToString().Contains("1.25", StringComparison.Ordinal));
    }

    private static EpochReport Report(int epoch, double trainLoss, double validationLoss) => new(epoch, 8, 0.1, trainLoss,
        1 - trainLoss / 3, validationLoss, 1 - validationLoss / 3, 1000, TimeSpan.FromSeconds(epoch), TimeSpan.Zero);

    private static List<string> Render(IRenderable what, int width, bool colors = false)
    {
        var output = new StringWriter();
        Terminal(output, width, colors, interactive: false).Write(what);
        return [.. output.ToString().Split('\n').Select(line => line.TrimEnd())];
    }

    private static IAnsiConsole Terminal(TextWriter output, int width, bool colors, bool interactive)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = colors || interactive ? AnsiSupport.Yes : AnsiSupport.No,
            ColorSystem = colors ? ColorSystemSupport.EightBit : ColorSystemSupport.NoColors,
            Interactive = interactive ? InteractionSupport.Yes : InteractionSupport.No,
            Out = new AnsiConsoleOutput(output),
            Enrichment = new ProfileEnrichment { UseDefaultEnrichers = false },
        });
        (console.Profile.Width, console.Profile.Height, console.Profile.Capabilities.Unicode) = (width, 40, true);
        return console;
    }

    // Without the sequences that move the cursor and colour letters.
    private static string Plain(string text) => System.Text.RegularExpressions.Regex.Replace(text, "\e\\[[0-9;?]*[A-Za-z]", "");
}
