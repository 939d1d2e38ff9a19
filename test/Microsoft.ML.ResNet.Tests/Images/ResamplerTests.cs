using FsCheck;
using FsCheck.Fluent;
using Microsoft.ML.ResNet.Images;
using SkiaSharp;
using static Microsoft.ML.ResNet.Tests.Images.ImageSamples;

namespace Microsoft.ML.ResNet.Tests.Images;

/// <summary>Resizing, against the filter's definition written out for one pixel at a time.</summary>
[TestClass]
public sealed class ResamplerTests
{
    [TestMethod]
    public void Every_pixel_is_the_triangle_weighted_mean_of_the_source() =>
        Prop.ForAll(Sizes(), Sizes(), ArbMap.Default.ArbFor<int>(), (from, to, seed) =>
        {
            var source = new byte[from.Height * from.Width * 4];
            new Random(seed).NextBytes(source);
            var shape = new ImageShape(3, to.Height, to.Width);
            var planar = new byte[shape.Size];
            Assert.IsTrue(
                ImageDecoder.TryConvert(source, from.Width, from.Height, isBgra: false, new(shape, ImageGeometry.Fill), planar, out _));

            for (var i = 0; i < shape.Size; i++)
            {
                var (channel, y, x) = (i / shape.PlaneSize, i % shape.PlaneSize / shape.Width, i % shape.Width);
                if (Math.Abs(planar[i] - Expected(source, from, to, channel, y, x)) > 0.51)
                    return false;
            }
            return true;
        }).QuickCheckThrowOnFailure();

    [TestMethod]
    public void One_colour_stays_one_colour_at_any_size()
    {
        foreach (var (width, height) in new[] { (1, 1), (7, 3), (300, 200), (1, 500), (33, 32) })
        {
            var planar = new byte[3 * 32 * 32];
            Assert.IsTrue(
                ImageDecoder.TryDecode(Plain(255, 128, 1, width, height), new(new(3, 32, 32), ImageGeometry.Fill), planar, out _,
                out var problem), problem);
            CollectionAssert.AreEqual(new byte[] { 255, 128, 1 }, planar.Distinct().ToArray());
        }
    }

    [TestMethod]
    public void A_fine_pattern_turns_grey_instead_of_aliasing()
    {
        var planar = new byte[16 * 16];
        var stripes = Encode(160, 160, (x, y) => (x + y) % 2 == 0 ? SKColors.White : SKColors.Black);

        Assert.IsTrue(ImageDecoder.TryDecode(stripes, new(new(1, 16, 16), ImageGeometry.Fill), planar, out _, out _));

        Assert.IsTrue(planar.All(value => value is >= 125 and <= 130), string.Join(' ', planar.Distinct()));
    }

    [TestMethod]
    public void A_large_jpeg_decoded_at_reduced_size_stays_close_to_the_whole_one()
    {
        static SKColor Scene(int x, int y)
            => new((byte)(128 + 100 * Math.Sin(x / 40.0)), (byte)(128 + 100 * Math.Cos(y / 30.0)), (byte)((x + y) / 4));
        var (fromJpeg, fromPng) = (new byte[3 * 24 * 32], new byte[3 * 24 * 32]);

        Assert.IsTrue(
            ImageDecoder.TryDecode(Encode(512, 384, Scene, SKEncodedImageFormat.Jpeg), new(new(3, 24, 32), ImageGeometry.Fill), fromJpeg,
            out _, out _));
        Assert.IsTrue(ImageDecoder.TryDecode(Encode(512, 384, Scene), new(new(3, 24, 32), ImageGeometry.Fill), fromPng, out _, out _));

        Assert.IsLessThan(4, fromJpeg.Zip(fromPng, (a, b) => Math.Abs(a - b)).Max());
    }

    private static Arbitrary<(int Height, int Width)> Sizes() =>
        (from height in Gen.Choose(1, 20) from width in Gen.Choose(1, 20) select (height, width)).ToArbitrary();

    private static double Expected(byte[] source, (int Height, int Width) from, (int Height, int Width) to, int channel, int y, int x)
    {
        var (sum, weights) = (0.0, 0.0);
        for (var sourceY = 0; sourceY < from.Height; sourceY++)
            for (var sourceX = 0; sourceX < from.Width; sourceX++)
            {
                var weight = Triangle(sourceY, y, from.Height, to.Height) * Triangle(sourceX, x, from.Width, to.Width);
                sum += weight * source[(sourceY * from.Width + sourceX) * 4 + channel];
                weights += weight;
            }
        return sum / weights;
    }

    private static double Triangle(int source, int target, int from, int to)
    {
        var scale = (double)from / to;
        var distance = source + 0.5 - (target + 0.5) * scale;
        return Math.Max(0, 1 - Math.Abs(distance) / Math.Max(1, scale));
    }
}
