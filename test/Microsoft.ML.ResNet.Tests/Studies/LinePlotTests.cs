using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Microsoft.ML.ResNet.Reports;
using Microsoft.ML.ResNet.Tests.Support;
using SkiaSharp;

namespace Microsoft.ML.ResNet.Tests.Studies;

/// <summary>Plots as SVG and PNG, and pages of them.</summary>
[TestClass]
public partial class LinePlotTests
{
    private static readonly LinePlot Plot = new()
    {
        XTitle = "layers",
        YTitle = "accuracy",
        MarkedX = 30,
        MarkText = "here",
        Lines =
        [
            new("epochs 5", [new(20, 0.6, 0.02), new(32, 0.65, 0.01), new(44, 0.7)]),
            new("epochs <10>", [new(20, 0.7), new(44, 0.8)]) { IsJoined = false },
        ],
    };

    [TestMethod]
    public void An_SVG_is_well_formed_names_what_it_shows_and_has_no_colour_of_its_own()
    {
        var svg = XElement.Parse(Plot.ToSvg());

        Assert.AreEqual("img", (string?)svg.Attribute("role"));
        Assert.AreEqual("accuracy against layers", (string?)svg.Attribute("aria-label"));
        foreach (var text in new[] { "layers", "accuracy", "epochs 5", "epochs <10>", "here" })
            Assert.IsTrue(svg.Descendants().Any(element => element.Name.LocalName == "text" && element.Value == text), text);
        Assert.HasCount(1, svg.Descendants().Where(e => e.Name.LocalName == "polyline"
            && ((string?)e.Attribute("points"))!.Split(' ').Length == 3
            && ((string?)e.Attribute("style"))!.Contains("--series-1", StringComparison.Ordinal)), "one line joins three points");
        StringAssert.Contains($"{svg}", "var(--series-2)");
    }

    [TestMethod]
    public void A_PNG_has_twice_the_pixels_its_lines_and_its_words()
    {
        var path = Path.Combine(TestAssembly.TemporaryFolder, "plot.png");

        Plot.WritePng(path, 400, 300);

        using var picture = SKBitmap.Decode(path);
        Assert.AreEqual((800, 600), (picture.Width, picture.Height));
        Assert.AreEqual(SKColors.White, picture.GetPixel(1, 1));
        var colors = picture.Pixels;
        Assert.IsGreaterThan(100, colors.Count(color => color is { Red: 0, Green: 114, Blue: 178 }), "pixels of the first line");
        var below = colors.Skip(800 * 560).Count(color => color.Red < 100 && color.Green < 100 && color.Blue < 100);
        Assert.IsGreaterThan(50, below, "pixels of the horizontal axis's title");
    }

    [TestMethod]
    public void A_page_is_one_file_without_requests_whose_data_cannot_end_its_script()
    {
        var path = Path.Combine(TestAssembly.TemporaryFolder, "plots.html");
        var page = new PlotPage
        {
            Title = "A </script><b> title",
            Paragraphs = ["One & two."],
            Plots = [Plot],
            Tables = [new("Means", ["name", "accuracy"], [[new("a </script>"), new(0.5, "f4")], [new("b"), new((double?)null, "f4")]])],
            Command = "resnet study --data 'my data'",
        };

        page.Write(path);

        var html = File.ReadAllText(path);
        var data = JsonNode.Parse(Data().Match(html).Groups[1].Value)!;
        Assert.AreEqual("A </script><b> title", (string?)data["title"]);
        Assert.AreEqual("0.5000", (string?)data["tables"]![0]!["rows"]![0]![1]!["text"]);
        Assert.AreEqual("–", (string?)data["tables"]![0]!["rows"]![1]![1]!["text"]);
        Assert.AreEqual(3, ScriptEnds().Count(html), "those of the data and of two scripts");
        Assert.IsEmpty(Requests().Matches(html).Select(match => match.Value));
    }

    [GeneratedRegex("""<script id="data" type="application/json">(.*?)</script>""", RegexOptions.Singleline)]
    private static partial Regex Data();

    [GeneratedRegex("</script>")]
    private static partial Regex ScriptEnds();

    [GeneratedRegex("""\w+://(?!www\.w3\.org/)\S+|@import|<(script|img|link)[^>]+(src|href)=""")]
    private static partial Regex Requests();
}
