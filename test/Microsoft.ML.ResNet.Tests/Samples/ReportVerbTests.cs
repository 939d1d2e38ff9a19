using global::Samples.Output;
using Microsoft.ML.ResNet.Tests.Images;
using Microsoft.ML.ResNet.Tests.Support;
using SkiaSharp;

namespace Microsoft.ML.ResNet.Tests.Samples;

/// <summary><c>report</c> and <c>show</c>, and the report of <c>train</c>.</summary>
[TestClass]
public class ReportVerbTests
{
    [TestMethod]
    [Timeout(300_000)]
    public void Train_leaves_a_report_and_report_makes_another_with_the_figures_of_evaluate()
    {
        var folder = ImageSamples.FolderOf([.. new[] { "train", "val" }.SelectMany(part => Enumerable.Range(0, 12).Select(i
            => ($"data/{part}/{(i % 2 == 0 ? "lines" : "plain")}/{i:d2}.png", Strip(i))))]);
        var data = Path.Combine(folder, "data");
        var trained = SampleProgram.RunIn(folder, "train", data, "--from", "scratch", "--architecture", "cifar-8", "--image", "3x16x16",
            "--epochs", "1", "--run", "once", "--json");
        Assert.AreEqual(0, trained.ExitCode, trained.Errors);
        var report = (string)trained.Json["report"]!;
        Assert.AreEqual(Path.Combine(folder, "runs", "once", "report.html"), report);
        var page = File.ReadAllText(report);
        StringAssert.Contains(page, "resnet train");
        StringAssert.Contains(page, "lines/00.png");

        var model = (string)trained.Json["model"]!;
        var again = SampleProgram.RunIn(folder, "report", "--model", model, "--data", data, "--output", "again.html", "--json");
        var evaluated = SampleProgram.RunIn(folder, "evaluate", "--model", model, "--data", $"{data}#val", "--json");
        Assert.AreEqual(0, again.ExitCode, again.Errors);
        Assert.IsTrue(File.Exists(Path.Combine(folder, "again.html")));
        Assert.AreEqual((double)evaluated.Json["microAccuracy"]!, (double)again.Json["microAccuracy"]!, 1e-9);
        Assert.AreEqual((double)evaluated.Json["logLoss"]!, (double)again.Json["logLoss"]!, 1e-6);
    }

    [TestMethod]
    [Timeout(300_000)]
    public void Show_writes_a_grid_and_names_its_labels()
    {
        var folder = ImageSamples.FolderOf([.. Enumerable.Range(0, 6).Select(i => ($"data/{(i % 2 == 0 ? "lines" : "plain")}/{i}.png", Strip(i)))]);
        var shown = SampleProgram.RunIn(folder, "show", "--data", "data", "--rows", "2", "--columns", "2", "--output", "grid.png", "--json");

        Assert.AreEqual(0, shown.ExitCode, shown.Errors);
        Assert.HasCount(4, shown.Json["labels"]!.AsArray());
        using var drawing = SKBitmap.Decode(Path.Combine(folder, "grid.png"));
        Assert.IsGreaterThan(256, drawing.Width);
        Assert.DoesNotContain("\e", shown.Output, "Nobody watches.");
    }

    [TestMethod]
    public void Wrong_usage_is_2_and_what_is_not_there_is_1()
    {
        Assert.AreEqual(2, SampleProgram.Run("show", "--data", TestAssembly.TemporaryFolder, "--rows", "101").ExitCode);
        var missing = SampleProgram.Run("report", "--model", "none.zip", "--data", TestAssembly.TemporaryFolder);
        Assert.AreEqual(1, missing.ExitCode);
        Assert.HasCount(1, missing.ErrorLines);
    }

    [TestMethod]
    [DataRow("TERM=xterm-kitty", "Kitty")]
    [DataRow("KITTY_WINDOW_ID=1", "Kitty")]
    [DataRow("TERM_PROGRAM=iTerm.app", "ITerm")]
    [DataRow("TERM_PROGRAM=WezTerm", "ITerm")]
    [DataRow("TERM=xterm-256color", "None")]
    [DataRow("TERM=xterm-kitty TMUX=/tmp/tmux", "None")]
    public void A_terminal_is_known_by_its_variables(string environment, string expected)
    {
        var variables = environment.Split(' ').Select(pair => pair.Split('=')).ToDictionary(pair => pair[0], pair => pair[1]);

        Assert.AreEqual(expected, $"{TerminalPicture.Protocol(name => variables.GetValueOrDefault(name))}");
    }

    [TestMethod]
    public void Kitty_gets_the_file_in_chunks_and_a_plain_terminal_half_blocks()
    {
        var png = Enumerable.Range(0, 7000).Select(i => (byte)i).ToArray();
        var chunks = TerminalPicture.Kitty(png).Split("\e\\", StringSplitOptions.RemoveEmptyEntries);
        Assert.HasCount(3, chunks);
        Assert.IsTrue(chunks.All(chunk => chunk.StartsWith("\e_G", StringComparison.Ordinal) && chunk.Length < 4200));
        CollectionAssert.AreEqual(png, Convert.FromBase64String(string.Concat(chunks.Select(chunk => chunk[(chunk.IndexOf(';') + 1)..]))));

        using var picture = SKBitmap.Decode(ImageSamples.Encode(4, 4, (_, y) => y < 2 ? SKColors.Red : SKColors.Blue));
        var lines = TerminalPicture.HalfBlocks(picture, 4).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.HasCount(2, lines);
        Assert.AreEqual(4, lines[0].Count(letter => letter == '▀'));
        StringAssert.Contains(lines[0], "\e[38;2;255;0;0;48;2;255;0;0m");
        StringAssert.Contains(lines[1], "\e[38;2;0;0;255;48;2;0;0;255m");
    }

    private static byte[] Strip(int seed) => ImageSamples.Encode(32, 32, (x, y)
        => new SKColor((byte)(seed % 2 == 0 && y % 4 < 2 ? 240 : 60), (byte)(7 * x + seed), (byte)(90 + seed)));
}
