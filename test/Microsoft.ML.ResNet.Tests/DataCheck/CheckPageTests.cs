using Microsoft.ML.ResNet.Reports;
using Microsoft.ML.ResNet.Tests.Browser;
using Microsoft.ML.ResNet.Tests.Samples;
using Microsoft.ML.ResNet.Tests.Support;

namespace Microsoft.ML.ResNet.Tests.DataCheck;

/// <summary>The page of a check in a browser, and the verb as a program.</summary>
[TestClass]
public class CheckPageTests
{
    [TestMethod]
    public async Task The_page_shows_the_pictures_of_a_leak_and_asks_for_nothing()
    {
        await using var chromium = await Chromium.StartAsync();
        List<CheckedImage> images = [.. Scenes.Clean("train", 3, seed: 1), .. Scenes.Clean("val", 3, seed: 1)];
        images.Add(Scenes.Image("val", "bars", "<img src=x onerror=alert(1)>", "none"u8.ToArray()));
        var path = Path.Combine(TestAssembly.TemporaryFolder, "check.html");
        DataChecker.Check(images).SaveHtml(path, "drawn scenes", images);

        var page = await chromium.OpenAsync(path);

        Assert.AreEqual("Data check of drawn scenes", await page.Ask<string>("document.title"));
        CollectionAssert.AreEqual(new[] { "train/bars/00.jpg", "val/bars/00.jpg" },
            await page.Ask<string[]>("[...document.querySelectorAll('#exactDuplicate + p + ul li.finding')][0]"
                + ".querySelectorAll('.picture').values().map(one => one.dataset.name).toArray()"));
        Assert.AreEqual(12, await page.Ask<int>("document.querySelectorAll('#exactDuplicate + p + ul img').length"));
        Assert.AreEqual(0, await page.Ask<int>("document.querySelectorAll('img[src=x]').length"));
        Assert.IsEmpty(page.Requests.Skip(1)); // the first is the page itself
        Assert.IsEmpty(page.Complaints);
    }

    [TestMethod]
    public void The_verb_ends_with_3_for_a_leak_and_0_without()
    {
        var folder = Directory.CreateDirectory(Path.Combine(TestAssembly.TemporaryFolder, "check verb")).FullName;
        Write(folder, Scenes.Clean("train", 10, seed: 1));
        Write(folder, Scenes.Clean("val", 3, seed: 500));

        Assert.AreEqual(0, SampleProgram.Run("check", "--data", folder, "--quick").ExitCode);

        File.Copy(Path.Combine(folder, "train", "bars", "00.jpg"), Path.Combine(folder, "val", "bars", "leak.jpg"));
        var leak = SampleProgram.Run("check", "--data", folder, "--quick", "--json");

        Assert.AreEqual(3, leak.ExitCode, leak.Errors);
        Assert.IsTrue((bool)leak.Json["serious"]!);
        Assert.AreEqual("exactDuplicate", (string)leak.Json["findings"]![0]!["kind"]!);
        Assert.AreEqual(2, SampleProgram.Run("check", "--data", folder, "--quick", "--model", "m.zip").ExitCode);
    }

    private static void Write(string folder, IEnumerable<CheckedImage> images)
    {
        foreach (var image in images)
        {
            var path = Path.Combine(folder, image.Name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllBytes(path, image.TryRead(out _)!);
        }
    }
}
