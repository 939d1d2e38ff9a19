using Microsoft.ML.ResNet.Reports;
using Microsoft.ML.ResNet.Tests.Images;
using Microsoft.ML.ResNet.Tests.Support;
using SkiaSharp;

namespace Microsoft.ML.ResNet.Tests.Reports;

/// <summary>A grid of images: every label stands below its image.</summary>
[TestClass]
public class ImageGridTests
{
    private const int Side = 64, Gap = 8; // pixels of an image, and between two

    private static readonly Dictionary<string, SKColor> Colors = new()
    {
        ["red"] = new(240, 10, 10),
        ["green"] = new(10, 200, 10),
        ["blue"] = new(20, 20, 230),
    };

    private static readonly MLContext ML = new(seed: 1);

    [TestMethod]
    public void Labels_are_those_of_the_images()
    {
        var folder = ImageSamples.FolderOf([.. Colors.SelectMany(color => Enumerable.Range(0, 4).Select(i
            => ($"{color.Key}/{i}.png", ImageSamples.Encode(40, 40, (_, _) => color.Value))))]);
        var path = Path.Combine(ImageSamples.NewFolder(), "grid.png");
        var labels = ML.Data.SaveImageGrid(ML.Data.LoadImageFilesFromFolder(folder), path,
            new ImageGridOptions { Rows = 2, Columns = 5, CellSide = Side });

        Assert.HasCount(10, labels);
        Assert.IsGreaterThan(1, labels.Distinct().Count());
        using var drawing = SKBitmap.Decode(path);
        Assert.AreEqual(5 * (Side + Gap) + Gap, drawing.Width);
        var rowHeight = (drawing.Height - Gap) / 2;
        foreach (var (index, label) in labels.Index())
        {
            var pixel = drawing.GetPixel(Gap + index % 5 * (Side + Gap) + Side / 2, Gap + index / 5 * rowHeight + Side / 2);
            Assert.IsTrue(Near(pixel, Colors[label]), $"{index}: {label} is {pixel}");
        }
    }

    [TestMethod]
    public void Augmentation_changes_images_and_not_their_labels()
    {
        var data = ML.Data.LoadFromEnumerable(TinyImages.Rows(30));
        var (plain, cut) = (Path.Combine(ImageSamples.NewFolder(), "a.png"), Path.Combine(ImageSamples.NewFolder(), "b.png"));
        var options = new ImageGridOptions { Rows = 2, Columns = 4, CellSide = 32 };
        var labels = ML.Data.SaveImageGrid(data, plain, options);
        var changed = ML.Data.SaveImageGrid(data, cut, options with { Augmentation = [new Cutout(4)] });

        CollectionAssert.AreEqual(labels.ToArray(), changed.ToArray());
        CollectionAssert.AreNotEqual(File.ReadAllBytes(plain), File.ReadAllBytes(cut));
    }

    [TestMethod]
    public void Impossible_grids_are_refused()
    {
        var data = ML.Data.LoadFromEnumerable(TinyImages.Rows(3));

        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => ML.Data.SaveImageGrid(data, "x.png", new() { Rows = 0 }));
        Assert.ThrowsExactly<ArgumentException>(() => ML.Data.SaveImageGrid(data, "x.png", new() { FeatureColumnName = "none" }));
    }

    private static bool Near(SKColor one, SKColor other)
        => Math.Abs(one.Red - other.Red) + Math.Abs(one.Green - other.Green) + Math.Abs(one.Blue - other.Blue) < 30;
}
