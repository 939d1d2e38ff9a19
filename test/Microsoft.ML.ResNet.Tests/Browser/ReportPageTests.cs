using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Reports;
using Microsoft.ML.ResNet.Tests.Support;
using PuppeteerSharp;

namespace Microsoft.ML.ResNet.Tests.Browser;

/// <summary>The report in a browser: what a reader does, and finds.</summary>
[TestClass]
public class ReportPageTests
{
    private const string NamesInDialog = "[...document.querySelectorAll('dialog .picture')].map(one => one.dataset.name)";

    private static readonly MLContext ML = new(seed: 1);
    private static Chromium? _chromium;
    private static string _folder = "";

    [ClassInitialize]
    public static async Task Start(TestContext _)
    {
        _chromium = await Chromium.StartAsync();
        _folder = Directory.CreateDirectory(Path.Combine(TestAssembly.TemporaryFolder, "report pages")).FullName;
    }

    [ClassCleanup]
    public static async Task Stop()
    {
        if (_chromium is not null)
            await _chromium.DisposeAsync();
    }

    [TestMethod]
    [Timeout(300_000)]
    public async Task A_click_on_a_cell_finds_exactly_its_pictures()
    {
        var (path, answers) = Report("two.html", classes: 2, rows: 40, epochs: 1);
        var open = await _chromium!.OpenAsync(path);

        foreach (var cell in answers.GroupBy(answer => (answer.Label, answer.Predicted)))
        {
            await open.Page.ClickAsync($"[data-label='{cell.Key.Label}'][data-predicted='{cell.Key.Predicted}']");
            var names = await open.Ask<string[]>(NamesInDialog);
            CollectionAssert.AreEquivalent(cell.Select(answer => answer.Name).ToArray(), names, $"{cell.Key}");
            await open.Page.Keyboard.PressAsync("Escape");
            await open.Page.WaitForSelectorAsync("dialog", new WaitForSelectorOptions { Hidden = true });
        }
        AssertKeptToItself(open, path);
    }

    [TestMethod]
    [Timeout(300_000)]
    public async Task A_thousand_classes_are_walked_through_by_keyboard_in_the_dark()
    {
        var (path, answers) = Report("thousand.html", classes: 1000, rows: 1000, epochs: 1);
        var open = await _chromium!.OpenAsync(path, dark: true);
        Assert.AreEqual("rgb(18, 21, 26)", await open.Ask<string>("getComputedStyle(document.body).backgroundColor"));

        // Down to the second class of the matrix, and along its row to the first picture.
        await open.Page.FocusAsync("#matrix canvas");
        await open.Page.Keyboard.PressAsync("ArrowDown");
        await open.Page.Keyboard.DownAsync("Shift");
        await open.Page.Keyboard.PressAsync("ArrowRight");
        await open.Page.Keyboard.UpAsync("Shift");
        await open.Page.Keyboard.PressAsync("Enter");

        var expected = answers.Where(answer => answer.Label == 1 && answer.Predicted > 0).GroupBy(answer => answer.Predicted)
            .OrderBy(cell => cell.Key).First().Select(answer => answer.Name).ToArray();
        CollectionAssert.AreEquivalent(expected, await open.Ask<string[]>(NamesInDialog));
        AssertKeptToItself(open, path);
    }

    [TestMethod]
    [Timeout(300_000)]
    public async Task The_keyboard_alone_opens_a_cell_and_comes_back_to_it()
    {
        var (path, answers) = Report("keys.html", classes: 3, rows: 45, epochs: 3);
        var open = await _chromium!.OpenAsync(path);
        var cell = answers.Where(answer => answer.Label > 0 && answer.Predicted > 0).GroupBy(answer => (answer.Label, answer.Predicted))
            .First();

        var stops = 0;
        while (!await open.Ask<bool>("document.activeElement.closest('.matrix') !== null"))
        {
            Assert.IsLessThan(100, ++stops, "Tab does not reach the matrix.");
            await open.Page.Keyboard.PressAsync("Tab");
        }
        for (var row = 0; row < cell.Key.Label; row++)
            await open.Page.Keyboard.PressAsync("ArrowDown");
        for (var column = 0; column < cell.Key.Predicted; column++)
            await open.Page.Keyboard.PressAsync("ArrowRight");
        await open.Page.Keyboard.PressAsync("Enter");

        CollectionAssert.AreEquivalent(cell.Select(answer => answer.Name).ToArray(), await open.Ask<string[]>(NamesInDialog));
        await open.Page.ClickAsync("dialog .picture");
        StringAssert.StartsWith(await open.Ask<string>("[...document.querySelectorAll('dialog')].at(-1).querySelector('[role=status]')"
            + ".textContent"), "row ");
        await open.Page.Keyboard.PressAsync("Escape");
        await open.Page.Keyboard.PressAsync("Escape");
        await open.Page.WaitForSelectorAsync("dialog", new WaitForSelectorOptions { Hidden = true });
        Assert.AreEqual($"{cell.Key.Label},{cell.Key.Predicted}",
            await open.Ask<string>("[document.activeElement.dataset.label, document.activeElement.dataset.predicted].join()"));
    }

    [TestMethod]
    [Timeout(300_000)]
    public async Task Everything_has_a_name_for_who_does_not_see_it()
    {
        var (path, _) = Report("names.html", classes: 3, rows: 45, epochs: 1);
        var open = await _chromium!.OpenAsync(path);

        Assert.AreEqual(0, await open.Ask<int>("[...document.querySelectorAll('img')].filter(one => !one.hasAttribute('alt')).length"));
        Assert.AreEqual(0, await open.Ask<int>("[...document.querySelectorAll('svg, canvas')].filter(one => !one.ariaLabel).length"));
        Assert.AreEqual(0, await open.Ask<int>("[...document.querySelectorAll('table')].filter(one => !one.caption?.textContent).length"));
        Assert.AreEqual(0, await open.Ask<int>("[...document.querySelectorAll('button')].filter(one => !(one.ariaLabel || one.textContent)"
            + ".trim()).length"));
        Assert.AreEqual(0, await open.Ask<int>("[...document.querySelectorAll('th')].filter(one => !one.scope).length"));
    }

    [TestMethod]
    [Timeout(300_000)]
    public async Task A_name_with_markup_stays_a_name()
    {
        const string Hostile = "</script><img src=x onerror=alert(1)>{{data}}";
        var (path, _) = Report("hostile.html", classes: 2, rows: 20, epochs: 1, Hostile);
        var open = await _chromium!.OpenAsync(path);

        Assert.AreEqual(Hostile, await open.Ask<string>("document.title"));
        Assert.AreEqual(Hostile, await open.Ask<string>("document.querySelector('#facts dd').textContent"));
        AssertKeptToItself(open, path);
    }

    // A network that has learnt next to nothing, so that it is wrong often enough.
    private static (string Path, List<Answer> Answers) Report(string name, int classes, int rows, int epochs, string title = "A report")
    {
        var images = ML.Data.LoadFromEnumerable(TinyImages.Rows(rows).Select((row, index)
            => new TinyImage { Features = row.Features, Label = $"class {index % classes:d4}" }));
        var options = TinyImages.Options(epochs);
        options.Recipe = options.Recipe with { LearningRate = 0.01 };
        var model = ML.Transforms.Conversion.MapValueToKey("Label").Append(ML.MulticlassClassification.Trainers.ResNet(options))
            .Fit(images);
        var path = Path.Combine(_folder, name);
        var summary = ML.Model.SaveResNetReport(model, images, path,
            new ResNetReportOptions { Title = title, Facts = [new("Trained on", title)], ThumbnailSide = 16 });

        var answers = ML.Data.CreateEnumerable<Scored>(model.Transform(images), reuseRowObject: false)
            .Select((row, index) => new Answer($"row {index + 1}", (int)row.Label - 1, (int)row.PredictedLabel - 1)).ToList();
        Assert.AreEqual(answers.Count(answer => answer.Label == answer.Predicted) / (double)rows, summary.Accuracy, 1e-12);
        (model as IDisposable)?.Dispose();
        return (path, answers);
    }

    private static void AssertKeptToItself(OpenPage open, string path)
    {
        CollectionAssert.AreEqual(new[] { new Uri(path).AbsoluteUri }, open.Requests);
        Assert.IsEmpty(open.Complaints, string.Join(Environment.NewLine, open.Complaints));
    }

    private sealed record Answer(string Name, int Label, int Predicted);

    private sealed class Scored
    {
        [KeyType(4096)]
        public uint Label { get; set; }

        [KeyType(4096)]
        public uint PredictedLabel { get; set; }
    }
}
