using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using global::Samples.Output;
using global::Samples.Runs;
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
        var folder = ImageSamples.FolderOf([.. Enumerable.Range(0, 6).Select(i
            => ($"data/{(i % 2 == 0 ? "lines" : "plain")}/{i}.png", Strip(i)))]);
        var shown = SampleProgram.RunIn(folder, "show", "--data", "data", "--rows", "2", "--columns", "2", "--output", "grid.png",
            "--json");

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
    [DataRow("TERM=foot-extra", "Sixel")]
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

    [TestMethod]
    public void Sixels_paint_every_pixel_once_in_its_colour()
    {
        var colors = new[] { SKColors.Red, SKColors.Lime, SKColors.Blue, SKColors.White };
        using var picture = SKBitmap.Decode(ImageSamples.Encode(9, 8, (x, y) => colors[(x / 5 + y / 3) % 4]));
        var text = SixelText.Of(picture);

        // Read as the manual of the VT340 says: a letter is six pixels, '!' repeats it, '$' goes back, '-' goes down.
        var body = Regex.Match(text, "^\eP0;1q\"1;1;9;8(?:#(?<color>\\d+);2;(?<r>\\d+);(?<g>\\d+);(?<b>\\d+))+(?<body>.*)\e\\\\$");
        Assert.IsTrue(body.Success, text);
        var palette = body.Groups["color"].Captures.Select((one, index) => (Number(one.Value), Value("r", index), Value("g", index),
            Value("b", index))).ToDictionary(entry => entry.Item1, entry => (entry.Item2, entry.Item3, entry.Item4));
        var painted = new Dictionary<(int X, int Y), (int, int, int)>();
        var (x, top, color) = (0, 0, 0);
        foreach (Match part in Regex.Matches(body.Groups["body"].Value,
            @"#(?<color>\d+)|(?<back>\$)|(?<down>-)|(?:!(?<times>\d+))?(?<six>[?-~])"))
            if (part.Groups["color"].Success)
                color = Number(part.Groups["color"].Value);
            else if (part.Groups["back"].Success)
                x = 0;
            else if (part.Groups["down"].Success)
                (x, top) = (0, top + 6);
            else
                for (var times = part.Groups["times"].Success ? Number(part.Groups["times"].Value) : 1; times > 0; times--, x++)
                    for (var bit = 0; bit < 6; bit++)
                        if ((part.Groups["six"].Value[0] - '?' >> bit & 1) == 1)
                            painted.Add((x, top + bit), palette[color]); // throws where it is painted already
        Assert.HasCount(72, painted);
        foreach (var ((column, row), (red, green, blue)) in painted)
            Assert.AreEqual(picture.GetPixel(column, row), new SKColor((byte)(red * 255 / 100), (byte)(green * 255 / 100),
                (byte)(blue * 255 / 100)));

        static int Number(string digits) => int.Parse(digits, CultureInfo.InvariantCulture);

        int Value(string group, int index) => Number(body.Groups[group].Captures[index].Value);
    }

    [TestMethod]
    public void Fingerprints_are_those_of_sha256sum()
    {
        var folder = ImageSamples.FolderOf(("a/1.png", "abc"u8.ToArray()), ("b/2.png", "abc"u8.ToArray()));

        Assert.AreEqual("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            Fingerprint.Of(Path.Combine(folder, "a", "1.png"), default)); // FIPS 180-4's example
        // find -type f -printf '%P\n' | sort | xargs sha256sum | sha256sum
        Assert.AreEqual("ed18ce9e76115a35611475c626ac1f4267b0656612e463f9315b5b053679e729", Fingerprint.Of(folder, default));
    }

    [TestMethod]
    public void A_fingerprint_is_of_pictures_and_says_which_are_none()
    {
        var folder = ImageSamples.FolderOf(("a/1.png", "abc"u8.ToArray()), ("a/empty.png", []), ("notes.txt", [1]),
            ("runs/one/options.json", [2]), ("runs/one/plot.png", [3]), ("runs/one/state", [4]));
        var lines = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  a/1.png\nempty  a/empty.png\n";
        if (!OperatingSystem.IsWindows())
        {
            File.CreateSymbolicLink(Path.Combine(folder, "a", "gone.png"), "nowhere.png");
            using var made = Process.Start("mkfifo", Path.Combine(folder, "a", "pipe.png"));
            made.WaitForExit();
            lines += "unreadable  a/gone.png\nempty  a/pipe.png\n";
        }

        Assert.AreEqual(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(lines))), Fingerprint.Of(folder, default));
        Assert.AreEqual("unknown", Fingerprint.Of(Path.Combine(folder, "gone"), default));
    }

    [TestMethod]
    public void What_keeps_a_report_from_its_data_check_is_told()
    {
        var folder = ImageSamples.FolderOf(("1.png", Strip(1)), ("2.png", Strip(2)));
        var (check, problem) = QuickCheck.Of(new MLContext(), new(folder), null, default);

        Assert.IsNull(check);
        StringAssert.Contains(problem, "xpected");
    }

    private static byte[] Strip(int seed) => ImageSamples.Encode(32, 32, (x, y)
        => new SKColor((byte)(seed % 2 == 0 && y % 4 < 2 ? 240 : 60), (byte)(7 * x + seed), (byte)(90 + seed)));
}
