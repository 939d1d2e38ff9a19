using Microsoft.ML.ResNet.Reports.Pages;
using Microsoft.ML.ResNet.Tests.Images;
using SkiaSharp;

namespace Microsoft.ML.ResNet.Tests.Reports;

/// <summary>The parts that pages share.</summary>
[TestClass]
public class PageTests
{
    [TestMethod]
    public void A_thumbnail_stands_upright_and_is_not_enlarged()
    {
        var wide = ImageSamples.Encode(300, 150, (x, _) => x < 150 ? SKColors.Red : SKColors.Blue);
        Assert.IsTrue(Thumbnail.TryCreate(wide, 128, out var webP, out _));
        using (var small = SKBitmap.Decode(webP))
        {
            Assert.AreEqual((128, 64), (small.Width, small.Height));
            Assert.IsTrue(small.GetPixel(20, 30).Red > 200 && small.GetPixel(108, 30).Blue > 200);
        }

        Assert.IsTrue(Thumbnail.TryCreate(ImageSamples.Encode(7, 5, (_, _) => SKColors.Green), 128, out webP, out _));
        using var same = SKBitmap.Decode(webP);
        Assert.AreEqual((7, 5), (same.Width, same.Height));
    }

    [TestMethod]
    public void What_is_no_picture_has_a_reason_in_place_of_a_thumbnail()
    {
        Assert.IsFalse(Thumbnail.TryCreate("no picture"u8, 128, out var webP, out var problem));

        Assert.IsNull(webP);
        StringAssert.Contains(problem, "expected");
    }

    [TestMethod]
    public void Grey_pixels_become_grey_pictures()
    {
        using var picture = SKBitmap.Decode(Thumbnail.Create([0, 80, 160, 240], new ImageShape(1, 2, 2), 16));

        var pixels = new[] { (0, 0), (1, 0), (0, 1), (1, 1) }.Select(place => picture.GetPixel(place.Item1, place.Item2)).ToArray();
        foreach (var (pixel, level) in pixels.Zip(new[] { 0, 80, 160, 240 }))
            Assert.IsTrue(Math.Abs(pixel.Red - level) < 12 && Math.Abs(pixel.Red - pixel.Blue) < 12, $"{pixel}");
    }
}
