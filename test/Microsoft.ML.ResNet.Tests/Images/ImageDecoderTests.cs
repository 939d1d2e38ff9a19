using FsCheck;
using FsCheck.Fluent;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Images;
using SkiaSharp;
using static Microsoft.ML.ResNet.Tests.Images.ImageSamples;

namespace Microsoft.ML.ResNet.Tests.Images;

/// <summary>Encoded images and pixel rows become planes.</summary>
[TestClass]
public sealed class ImageDecoderTests
{
    private static readonly Func<int, int, SKColor> Gradient = (x, y) => new((byte)(10 * x), (byte)(20 * y), (byte)(7 * x + 3 * y));

    [TestMethod]
    public void A_png_of_the_wanted_size_comes_out_exactly()
    {
        var planar = Decode(Encode(5, 4, Gradient), new(3, 4, 5));

        for (var y = 0; y < 4; y++)
            for (var x = 0; x < 5; x++)
            {
                Assert.AreEqual(10 * x, planar[y * 5 + x], "red");
                Assert.AreEqual(20 * y, planar[20 + y * 5 + x], "green");
                Assert.AreEqual(7 * x + 3 * y, planar[40 + y * 5 + x], "blue");
            }
    }

    [TestMethod]
    [DataRow(SKEncodedImageFormat.Jpeg)]
    [DataRow(SKEncodedImageFormat.Webp)]
    [DataRow(SKEncodedImageFormat.Png)]
    public void Common_formats_decode_to_about_the_right_colour(SKEncodedImageFormat format)
    {
        var planar = Decode(Encode(16, 16, (_, _) => new SKColor(200, 100, 50), format), new(3, 16, 16));

        AssertAll(planar[..256], 200, 4);
        AssertAll(planar[256..512], 100, 4);
        AssertAll(planar[512..], 50, 4);
    }

    [TestMethod]
    public void A_grey_image_becomes_three_equal_planes_and_stays_itself_as_one()
    {
        using var bitmap = new SKBitmap(new SKImageInfo(2, 2, SKColorType.Gray8, SKAlphaType.Opaque));
        byte[] grey = [0, 100, 101, 255];
        for (var i = 0; i < grey.Length; i++)
            bitmap.SetPixel(i % 2, i / 2, new SKColor(grey[i], grey[i], grey[i]));
        var encoded = bitmap.Encode(SKEncodedImageFormat.Png, 100).ToArray();

        CollectionAssert.AreEqual((byte[])[.. grey, .. grey, .. grey], Decode(encoded, new(3, 2, 2)));
        CollectionAssert.AreEqual(grey, Decode(encoded, new(1, 2, 2)));
    }

    [TestMethod]
    public void One_channel_is_the_luma_of_the_colours() =>
        Prop.ForAll(ArbMap.Default.ArbFor<byte>(), ArbMap.Default.ArbFor<byte>(), ArbMap.Default.ArbFor<byte>(), (red, green, blue) =>
        {
            var planar = Decode(Plain(red, green, blue, 1, 1), new(1, 1, 1));
            return Math.Abs(planar[0] - (0.299 * red + 0.587 * green + 0.114 * blue)) <= 0.51;
        }).QuickCheckThrowOnFailure();

    [TestMethod]
    public void Transparent_pixels_lie_over_black_as_in_an_MLImage()
    {
        var encoded = Encode(2, 2, (x, y) => new SKColor(200, 100, 50, (byte)(y == 0 ? 128 : 0)));
        using var image = MLImage.CreateFromStream(new MemoryStream(encoded));
        var shape = new ImageShape(3, 2, 2);

        var planar = Decode(encoded, shape);

        CollectionAssert.AreEqual(new byte[] { 100, 100, 0, 0, 50, 50, 0, 0, 25, 25, 0, 0 }, planar);
        CollectionAssert.AreEqual(planar, Convert(image.Pixels, 2, 2, image.PixelFormat == MLPixelFormat.Bgra32, shape));
    }

    [TestMethod]
    public void Pixel_rows_may_have_red_or_blue_first()
    {
        byte[] pixels = [1, 2, 3, 255, 4, 5, 6, 255];
        var shape = new ImageShape(3, 1, 2);

        CollectionAssert.AreEqual(new byte[] { 1, 4, 2, 5, 3, 6 }, Convert(pixels, 2, 1, isBgra: false, shape));
        CollectionAssert.AreEqual(new byte[] { 3, 6, 2, 5, 1, 4 }, Convert(pixels, 2, 1, isBgra: true, shape));
    }

    [TestMethod]
    public void Truncated_foreign_and_empty_bytes_are_reported_with_a_reason()
    {
        var jpeg = Encode(32, 32, Gradient, SKEncodedImageFormat.Jpeg);

        AssertUnreadable([], "no bytes");
        AssertUnreadable("hello, this is no image"u8.ToArray(), "23 bytes");
        AssertUnreadable(jpeg[..(jpeg.Length / 2)], "ends too early", "32 x 32");
        for (var length = 0; length < jpeg.Length - 2; length += 11) // the last two bytes are the end marker
            AssertUnreadable(jpeg[..length]);
    }

    [TestMethod]
    public void A_header_that_claims_too_many_pixels_is_refused_before_decoding()
    {
        var encoded = Plain(1, width: 4, height: 4);
        WritePngSize(encoded, 40_000, 40_000);

        AssertUnreadable(encoded, "100000000 pixels", "40000 x 40000");
        Assert.IsFalse(ImageDecoder.TryReadSize(encoded, ImageGeometry.Fill, out _, out _, out var problem));
        StringAssert.Contains(problem, "40000 x 40000", StringComparison.Ordinal);
    }

    [TestMethod]
    [DataRow("GIF", 10_000, 10_000)]
    [DataRow("PNG", 10_000, 10_000)]
    [DataRow("WebP", 10_000, 10_000)]
    [DataRow("BMP", 10_000, 10_000)]
    public void A_few_bytes_that_claim_a_large_image_are_refused_before_memory_is_taken(string kind, int width, int height)
    {
        var encoded = kind switch
        {
            "GIF" => Gif(width, height),
            "PNG" => Plain(1, width: 4, height: 4),
            "WebP" => Encode(4, 4, Gradient, SKEncodedImageFormat.Webp),
            _ => Bmp(width, height),
        };
        if (kind == "PNG")
            WritePngSize(encoded, width, height);
        if (kind == "WebP") // VP8: two bytes each, 14 bits of size, behind the start code
            BitConverter.TryWriteBytes(encoded.AsSpan(encoded.AsSpan().IndexOf((ReadOnlySpan<byte>)[0x9D, 0x01, 0x2A]) + 3),
                (uint)(width | height << 16));
        var before = GC.GetAllocatedBytesForCurrentThread();

        AssertUnreadable(encoded);

        Assert.IsLessThan(1L << 20, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [TestMethod]
    public void A_header_that_Skia_believes_is_not_believed_without_the_bytes_for_it()
    {
        var encoded = Gif(10_000, 10_000);
        AssertUnreadable(encoded, "at most 4194304 pixels", $"in {encoded.Length} bytes", "10000 x 10000");
    }

    [TestMethod]
    public void Large_images_decode_alike_in_memory_of_their_own_and_leave_none_behind()
    {
        foreach (var side in new[] { 100, 2400, 4200 }) // 40 kB from the pool, 23 MB beside others, 71 MB one at a time
        {
            using var bitmap = new SKBitmap(new SKImageInfo(side, side, SKColorType.Rgba8888, SKAlphaType.Opaque));
            using (var canvas = new SKCanvas(bitmap))
            {
                canvas.Clear(SKColors.Teal);
                canvas.DrawLine(0, side / 3f, side, side, new SKPaint { Color = SKColors.Coral, StrokeWidth = side / 5f });
            }
            var expected = Convert(bitmap.Bytes, side, side, isBgra: false, new(3, 4, 4));
            using var encoded = bitmap.Encode(SKEncodedImageFormat.Png, 100);
            var bytes = encoded.ToArray();
            var before = GC.GetAllocatedBytesForCurrentThread();
            CollectionAssert.AreEqual(expected, Decode(bytes, new(3, 4, 4)));
            Assert.IsLessThan(8L << 20, GC.GetAllocatedBytesForCurrentThread() - before, "bytes on the managed heap");
        }
    }

    [TestMethod]
    [DataRow("II*\0", "TIFF", 0)]
    [DataRow("MM\0*", "TIFF", 0)]
    [DataRow("\0\0\0\u0018ftypheic", "HEIC", 0)]
    [DataRow("\0\0\0\u0018ftypmif1", "HEIC", 0)]
    [DataRow("\0\0\0\u001cftypavif", "AVIF", 0)]
    [DataRow("\0\0\0\x0CJXL \r\n", "JPEG XL", 0)]
    [DataRow("DICM", "DICOM", 128)]
    [DataRow("%PDF-1.7", "PDF", 0)]
    [DataRow("P6\n4 4\n255\n", "Netpbm", 0)]
    [DataRow("<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG", 0)]
    [DataRow("<!DOCTYPE html><html>not found</html>", "web page", 0)]
    public void Formats_that_Skia_does_not_decode_are_named_with_the_cure(string start, string name, int offset)
    {
        byte[] encoded = [.. new byte[offset], .. start.Select(value => (byte)value), .. new byte[400]];
        AssertUnreadable(encoded, name, "convert it to JPEG or PNG");
    }

    [TestMethod]
    public void Random_damage_never_does_worse_than_an_unreadable_image()
    {
        var random = new Random(3);
        var target = new byte[3 * 8 * 8];
        foreach (var format in new[] { SKEncodedImageFormat.Png, SKEncodedImageFormat.Jpeg, SKEncodedImageFormat.Webp })
        {
            var whole = Encode(24, 24, Gradient, format);
            for (var i = 0; i < 200; i++)
            {
                var damaged = (byte[])whole.Clone();
                for (var j = 0; j < 1 + i % 5; j++)
                    damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
                if (!ImageDecoder.TryDecode(damaged, new(new(3, 8, 8), ImageGeometry.Fill), target, out _, out var problem))
                    StringAssert.Contains(problem, "expected", StringComparison.Ordinal);
            }
        }
    }

    [TestMethod]
    public void Pixel_rows_of_another_length_than_their_size_are_refused()
    {
        Assert.IsFalse(
            ImageDecoder.TryConvert(new byte[15], 2, 2, true, new(new(3, 2, 2), ImageGeometry.Fill), new byte[12], out var problem));
        StringAssert.Contains(problem, "expected 16 bytes", StringComparison.Ordinal);
        Assert.IsFalse(ImageDecoder.TryConvert([], 0, 2, true, new(new(3, 2, 2), ImageGeometry.Fill), new byte[12], out _));
    }

    [TestMethod]
    public void A_target_that_does_not_fit_the_shape_is_the_callers_error()
    {
        Assert.ThrowsExactly<ArgumentException>(
            () => ImageDecoder.TryDecode(Plain(1), new(new(3, 2, 2), ImageGeometry.Fill), new byte[11], out _, out _));
        Assert.ThrowsExactly<ArgumentException>(
            () => ImageDecoder.TryDecode(Plain(1), new(new(2, 2, 2), ImageGeometry.Fill), new byte[8], out _, out _));
    }

    private static byte[] Decode(byte[] encoded, ImageShape shape)
    {
        var planar = new byte[shape.Size];
        Assert.IsTrue(ImageDecoder.TryDecode(encoded, new(shape, ImageGeometry.Fill), planar, out _, out var problem), problem);
        return planar;
    }

    private static byte[] Convert(ReadOnlySpan<byte> pixels, int width, int height, bool isBgra, ImageShape shape)
    {
        var planar = new byte[shape.Size];
        Assert.IsTrue(
            ImageDecoder.TryConvert(pixels, width, height, isBgra, new(shape, ImageGeometry.Fill), planar, out var problem), problem);
        return planar;
    }

    private static byte[] Gif(int width, int height)
        => [.. "GIF89a"u8, (byte)width, (byte)(width >> 8), (byte)height, (byte)(height >> 8), 0x80, 0, 0, 0, 0, 0, 255, 255, 255,
            0x2C, 0, 0, 0, 0, (byte)width, (byte)(width >> 8), (byte)height, (byte)(height >> 8), 0, 2, 2, 0x4C, 1, 0, 0x3B];

    private static byte[] Bmp(int width, int height)
        => [.. "BM"u8, .. BitConverter.GetBytes(85), 0, 0, 0, 0, .. BitConverter.GetBytes(54), .. BitConverter.GetBytes(40),
            .. BitConverter.GetBytes(width), .. BitConverter.GetBytes(height), 1, 0, 24, 0, .. new byte[24], .. new byte[31]];

    private static void AssertUnreadable(byte[] encoded, params string[] parts)
    {
        Assert.IsFalse(ImageDecoder.TryDecode(encoded, new(new(3, 4, 4), ImageGeometry.Fill), new byte[48], out _, out var problem));
        foreach (var part in parts)
            StringAssert.Contains(problem, part, StringComparison.Ordinal);
    }

    private static void AssertAll(byte[] plane, int expected, int tolerance) =>
        Assert.IsTrue(plane.All(value => Math.Abs(value - expected) <= tolerance),
            $"Expected {expected}, found {string.Join(' ', plane.Distinct())}.");

    /// <summary>Overwrites width and height in a PNG's first chunk, and repairs its check sum.</summary>
    private static void WritePngSize(byte[] png, int width, int height)
    {
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(16), width);
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(20), height);
        var crc = uint.MaxValue;
        foreach (var value in png.AsSpan(12, 17))
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc >> 1) ^ ((crc & 1) * 0xEDB88320);
        }
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(png.AsSpan(29), ~crc);
    }
}
