using Microsoft.ML.ResNet.Reports;
using Microsoft.ML.ResNet.Reports.Sampling;
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
        var error = Assert.ThrowsExactly<ArgumentException>(() => ML.Data.SaveImageGrid(data, "x.png",
            new() { Rows = 100, Columns = 100, CellSide = 1024 }));
        StringAssert.Contains(error.Message, "200000000 at most");
    }

    [TestMethod]
    public void Numbers_of_another_range_order_and_layout_are_shown_in_their_colours()
    {
        var reds = ML.Data.LoadFromEnumerable(Enumerable.Range(0, 2).Select(_ => new Numbers
        {
            Features = [.. Enumerable.Range(0, 8 * 8).SelectMany(_ => new[] { -1f, -1f, 0.8f })], // blue, green, red
        }));
        var path = Path.Combine(ImageSamples.NewFolder(), "grid.png");
        ML.Data.SaveImageGrid(reds, path, new()
        {
            CellSide = Side,
            PixelLayout = PixelLayout.Interleaved,
            ChannelOrder = ChannelOrder.Bgr,
            PixelRange = PixelRange.MinusOneToOne,
        });

        using var drawing = SKBitmap.Decode(path);
        Assert.IsTrue(Near(drawing.GetPixel(Gap + Side / 2, Gap + Side / 2), new SKColor(230, 0, 0)));
    }

    [TestMethod]
    public void Another_font_is_looked_for_only_where_one_lacks_a_letter()
    {
        using var face = GridFont.Find();
        if (face is null)
            Assert.Inconclusive("The system has no font.");

        Assert.IsNull(GridFont.FindOther("class 1", face));
        Assert.IsNull(GridFont.FindOther("\U0010FFFD", face), "No font has it.");
        using var other = GridFont.FindOther("猫", face);
        Assert.IsTrue(other is null || other.GetGlyph('猫') != 0);
    }

    private sealed class Numbers
    {
        [Microsoft.ML.Data.VectorType(8, 8, 3)]
        public float[] Features { get; set; } = [];

        public string Label { get; set; } = "red";
    }

    private static bool Near(SKColor one, SKColor other)
        => Math.Abs(one.Red - other.Red) + Math.Abs(one.Green - other.Green) + Math.Abs(one.Blue - other.Blue) < 30;
}
