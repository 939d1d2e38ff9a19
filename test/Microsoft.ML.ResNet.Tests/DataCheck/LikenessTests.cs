using Microsoft.ML.ResNet.Reports.DataCheck;
using SkiaSharp;

namespace Microsoft.ML.ResNet.Tests.DataCheck;

/// <summary>Hashes, neighbours and alignment, against formulas restated.</summary>
[TestClass]
public class LikenessTests
{
    // Python, from the definition of the cosine transform (DCT-II) in 64 bits:
    //   g = [[(3*x*x + 7*y + x*y) % 256 for x in range(32)] for y in range(32)]
    //   s = [sum(g[y][x] * cos(pi*u*(2*x+1)/64) * cos(pi*v*(2*y+1)/64) for y in range(32) for x in range(32))
    //        for v in range(8) for u in range(8)]
    //   m = (sorted(s)[31] + sorted(s)[32]) / 2;  hex(sum(1 << i for i, a in enumerate(s) if a > m))
    [TestMethod]
    public void The_perceptual_hash_is_that_of_the_definition()
    {
        var grey = (from y in Enumerable.Range(0, 32) from x in Enumerable.Range(0, 32) select (float)((3 * x * x + 7 * y + x * y) % 256))
            .ToArray();

        Assert.AreEqual(0xfc75f56dfcc00081UL, PerceptualHash.Of(grey));
    }

    [TestMethod]
    public void A_perceptual_hash_does_not_see_brightness_and_contrast()
    {
        var random = new Random(1);
        var grey = Enumerable.Range(0, 32 * 32).Select(_ => random.NextSingle() * 200).ToArray();

        // Of the mean alone, which is the largest frequency by far, the constant changes the value, and not its side of the median.
        Assert.AreEqual(PerceptualHash.Of(grey), PerceptualHash.Of([.. grey.Select(value => value * 0.5f + 20)]));
        Assert.AreEqual(3, PerceptualHash.Distance(0b1011, 0b0110_0000 ^ 0b1011 ^ 1));
    }

    [TestMethod]
    [DataRow(70, 20, 3)]
    [DataRow(33, 192, 5)]
    [DataRow(3, 16, 5)]
    public void Neighbours_are_those_of_a_sort_of_all_pairs(int count, int width, int nearest)
    {
        var random = new Random(count);
        var unit = Neighbours.Unit([.. Enumerable.Range(0, count * width).Select(_ => random.NextSingle() - 0.5f)], width);

        var found = Neighbours.Find(unit, unit, width, nearest, progress: null, CancellationToken.None);

        for (var row = 0; row < count; row++)
        {
            var expected = Enumerable.Range(0, count).Where(other => other != row)
                .OrderByDescending(other => Enumerable.Range(0, width).Sum(i => (double)unit[row * width + i] * unit[other * width + i]))
                .Take(nearest).Concat(Enumerable.Repeat(-1, nearest)).Take(nearest).ToArray();
            CollectionAssert.AreEqual(expected, found.Of(row).ToArray());
        }
    }

    [TestMethod]
    public void A_picture_that_was_turned_and_zoomed_agrees_and_another_does_not()
    {
        using var scene = Scenes.Draw(seed: 5, isDiscs: true);
        using var turned = new SKBitmap(Scenes.Side, Scenes.Side);
        using (var canvas = new SKCanvas(turned))
        {
            canvas.RotateDegrees(5, Scenes.Side / 2f, Scenes.Side / 2f);
            canvas.Scale(1.08f, 1.08f, Scenes.Side / 2f, Scenes.Side / 2f);
            canvas.DrawBitmap(scene, 0, 0);
        }
        using var other = Scenes.Draw(seed: 6, isDiscs: true);
        var alignment = new Alignment(Pixels(scene));

        Assert.IsGreaterThan(0.999f, alignment.Agreement(Pixels(scene)));
        Assert.IsGreaterThan(0.85f, alignment.Agreement(Pixels(turned)));
        Assert.IsLessThan(0.6f, alignment.Agreement(Pixels(other)));
    }

    private static byte[] Pixels(SKBitmap bitmap) => ImageLook.At(Scenes.Jpeg(bitmap, quality: 100)).Pixels;
}
