using System.Text.Json.Nodes;
using Microsoft.ML.ResNet.Tests.Browser;
using Microsoft.ML.ResNet.Tests.Images;
using PuppeteerSharp;

namespace Microsoft.ML.ResNet.Tests.Serving;

/// <summary>The page of <c>resnet serve</c> in a real browser: what a person does with it.</summary>
[TestClass]
public class ServePageTests
{
    [TestMethod]
    public async Task A_dropped_picture_gets_its_classes_and_a_map_and_a_corrected_label_can_be_downloaded()
    {
        await using var chromium = await Chromium.StartAsync();
        await using var service = await TestService.StartAsync(null, "first", "second");
        var picture = TestService.Picture(5, 60, 40);
        var expected = service.Classifier.Predict(picture);
        var other = expected.Top[1].Name;
        var folder = ImageSamples.NewFolder();
        var open = await chromium.OpenAsync(service.Address.ToString());
        var page = open.Page;
        await page.Client.SendAsync("Page.setDownloadBehavior", new { behavior = "allow", downloadPath = folder });
        await page.WaitForFunctionAsync("() => document.querySelectorAll('#model option').length === 2");

        await DropAsync(page, "dogs/one, \"two\".png", picture);
        await page.WaitForSelectorAsync("#pictures canvas");
        var shown = await page.EvaluateExpressionAsync<string[]>(
            "[...document.querySelectorAll('#pictures .classes button')].map(one => one.textContent)");
        CollectionAssert.AreEqual(expected.Top.Select(one => FormattableString.Invariant($"{one.Name}{100 * one.Probability:0.0} %"))
            .ToArray(), shown);
        Assert.AreEqual(expected.Top[0].Name, await MapClassAsync(page));
        var withMap = await PixelsAsync(page);
        await page.ClickAsync("#showMap");
        var without = await PixelsAsync(page);
        Assert.AreNotEqual(without, withMap, "the map is over the picture");
        await page.ClickAsync("#showMap");

        await page.ClickAsync("#pictures .classes li:nth-child(2) button");
        await page.WaitForFunctionAsync("name => document.querySelector('#pictures canvas')?.dataset.map === name", other);
        Assert.AreNotEqual(withMap, await PixelsAsync(page), "another class has another map");

        await page.TypeAsync("#pictures .label input", other);
        await page.Keyboard.PressAsync("Tab");
        await page.WaitForFunctionAsync("() => !document.querySelector('#correctionsSection').hidden");
        await page.ClickAsync("#json");
        await page.ClickAsync("#csv");
        var correction = JsonNode.Parse(await DownloadAsync(folder, "corrections.json"))![0]!;
        Assert.AreEqual(("dogs/one, \"two\".png", "first", expected.Top[0].Name, other), ((string)correction["file"]!,
            (string)correction["model"]!, (string)correction["predicted"]!, (string)correction["label"]!));
        var csv = (await DownloadAsync(folder, "corrections.csv")).Split("\r\n");
        Assert.AreEqual("file,model,predicted,probability,label", csv[0]);
        StringAssert.StartsWith(csv[1], "\"dogs/one, \"\"two\"\".png\",first,");

        await page.SelectAsync("#model", "second");
        await page.WaitForFunctionAsync("() => document.querySelector('#pictures h3')?.parentElement.card.model.name === 'second'");
        await DropAsync(page, "broken.png", picture[..100]);
        await page.WaitForSelectorAsync("#pictures .bad");
        Assert.IsEmpty(open.Complaints.Where(text => !text.Contains("status of 4", StringComparison.Ordinal)));
        Assert.IsTrue(Array.TrueForAll(open.Requests, url => url.StartsWith($"{service.Address}", StringComparison.Ordinal)
            || url.StartsWith("blob:", StringComparison.Ordinal)), string.Join('\n', open.Requests));
    }

    [TestMethod]
    public async Task Pictures_far_from_the_window_keep_no_pixels()
    {
        const int Pictures = 24;
        await using var chromium = await Chromium.StartAsync();
        await using var service = await TestService.StartAsync();
        var page = (await chromium.OpenAsync(service.Address.ToString())).Page;
        await page.WaitForFunctionAsync("() => document.querySelectorAll('#model option').length === 1");
        for (var seed = 0; seed < Pictures; seed++)
            await DropAsync(page, $"{seed}.png", TestService.Picture(seed));
        await page.WaitForFunctionAsync("count => document.querySelectorAll('#pictures canvas').length === count", Pictures);

        await ShownAsync("firstElementChild", "lastElementChild");
        await page.EvaluateExpressionAsync("document.querySelector('#pictures').lastElementChild.scrollIntoView()");
        await ShownAsync("lastElementChild", "firstElementChild");

        Task ShownAsync(string shown, string freed) => page.WaitForFunctionAsync(
            """
            (shown, freed) => {
              const pictures = document.querySelector("#pictures");
              const canvas = pictures[shown].querySelector("canvas");
              return !pictures[freed].card.picture && pictures[shown].card.picture && canvas.dataset.map
                && canvas.getContext("2d").getImageData(0, 0, 1, 1).data[3] === 255;
            }
            """, shown, freed);
    }

    private static Task DropAsync(IPage page, string name, byte[] content) => page.EvaluateFunctionAsync(
        """
        (name, content) => {
          const transfer = new DataTransfer();
          const bytes = Uint8Array.from(atob(content), character => character.charCodeAt(0));
          transfer.items.add(new File([bytes], name, { type: "image/png" }));
          document.getElementById("drop").dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
        }
        """, name, Convert.ToBase64String(content));

    private static Task<string> MapClassAsync(IPage page)
        => page.EvaluateExpressionAsync<string>("document.querySelector('#pictures canvas').dataset.map");

    private static Task<string> PixelsAsync(IPage page)
        => page.EvaluateExpressionAsync<string>("document.querySelector('#pictures canvas').toDataURL()");

    private static async Task<string> DownloadAsync(string folder, string name)
    {
        var path = Path.Combine(folder, name);
        for (var tries = 0; !File.Exists(path) && tries < 500; tries++)
            await Task.Delay(20);
        return await File.ReadAllTextAsync(path);
    }
}
