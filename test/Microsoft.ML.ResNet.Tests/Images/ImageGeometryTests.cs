using System.Globalization;
using System.Text.Json;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Tests.Support;
using SkiaSharp;
using static Microsoft.ML.ResNet.Tests.Images.ImageSamples;

namespace Microsoft.ML.ResNet.Tests.Images;

/// <summary>How pictures become images: against torchvision's pixels, and against what the words mean.</summary>
[TestClass]
public sealed class ImageGeometryTests
{
    private static readonly SKColor[] Corners = [SKColors.Red, SKColors.Lime, SKColors.Blue, SKColors.White];

    public static IEnumerable<object[]> Goldens
        => JsonDocument.Parse(File.ReadAllText(GoldenNoise.Path("geometry.json"))).RootElement.GetProperty("cases").EnumerateArray()
            .Select(found => new object[] { found.GetRawText() });

    [TestMethod]
    [DynamicData(nameof(Goldens))]
    public void Pixels_are_torchvisions_to_a_grey_level(string golden)
    {
        using var parsed = JsonDocument.Parse(golden);
        var found = parsed.RootElement;
        int Number(string name) => found.GetProperty(name).GetInt32();
        var (height, width, resize, crop) = (Number("height"), Number("width"), Number("resize"), Number("crop"));
        var picture = Picture(found.GetProperty("formula").GetString()!, height, width);

        var cropped = ImageGeometry.CenterCrop with { CropRatio = (double)resize / crop };
        AssertNear(found.GetProperty("resizedThenCropped"), Make(picture, height, width, crop, cropped), crop);
        AssertNear(found.GetProperty("squashed"), Make(picture, height, width, crop, ImageGeometry.Fill), crop);
    }

    [TestMethod]
    [DataRow(500, 375, 224, 224, 256, 341, -16, -58)] // torchvision: int(256 * 500 / 375) = 341, round((341 - 224) / 2) = 58
    [DataRow(100, 100, 56, 56, 64, 64, -4, -4)]
    [DataRow(100, 100, 32, 64, 73, 73, -20, -4)]
    public void A_central_crop_covers_the_image(int width, int height, int rows, int columns, int scaledRows, int scaledColumns,
        int top, int left)
        => Assert.AreEqual(new ImagePlacement(scaledRows, scaledColumns, top, left),
            ImageGeometry.CenterCrop.Place(height, width, new(3, rows, columns)));

    [TestMethod]
    [DataRow(1, 65_535)]
    [DataRow(65_535, 1)]
    [DataRow(3, 2)]
    public void No_shape_of_picture_is_too_extreme(int height, int width)
    {
        foreach (var geometry in (ImageGeometry[])[ImageGeometry.Fill, ImageGeometry.Pad, ImageGeometry.CenterCrop,
            ImageGeometry.CenterCrop with { CropRatio = 16, Interpolation = ImageInterpolation.Bicubic }])
        {
            var place = geometry.Place(height, width, new(1, 16_384, 5));
            Assert.IsGreaterThan(0, place.Height, geometry.ToString());
            Assert.IsGreaterThan(0, place.Width, geometry.ToString());
            var image = Make([.. Enumerable.Repeat((byte)77, height * width * 4)], height, width, 8, geometry);
            Assert.IsTrue(image.All(value => value == 77 || geometry.Fit == ImageFit.Pad && value == 0), geometry.ToString());
            Assert.Contains((byte)77, image, geometry.ToString());
        }
    }

    [TestMethod]
    public void Padding_keeps_the_aspect_ratio_between_black_borders()
    {
        var image = Make([.. Enumerable.Repeat((byte)200, 20 * 40 * 4)], 20, 40, 8, ImageGeometry.Pad);

        for (var i = 0; i < image.Length; i++)
            Assert.AreEqual(i % 64 / 8 is >= 2 and < 6 ? 200 : 0, image[i], $"value {i}");
    }

    [TestMethod]
    public void A_cubic_filter_is_Pillows()
    {
        // PIL.Image.new('L', (8, 1)), pixels 0 0 255 0 0 255 255 0, resize((4, 1), BICUBIC) and resize((16, 1), BICUBIC)
        byte[] row = [0, 0, 255, 0, 0, 255, 255, 0];
        AssertRow([31, 97, 129, 149], row, 4);
        AssertRow([0, 0, 0, 58, 221, 221, 58, 0, 0, 52, 203, 255, 255, 199, 48, 0], row, 16);

        static void AssertRow(byte[] expected, byte[] row, int width)
        {
            var pixels = row.SelectMany(value => new[] { value, value, value, (byte)255 }).ToArray();
            var image = new byte[width];
            var cubic = new ImageGeometry { Interpolation = ImageInterpolation.Bicubic };
            Assert.IsTrue(ImageDecoder.TryConvert(pixels, row.Length, 1, isBgra: false, new(new(1, 1, width), cubic), image, out _));
            for (var i = 0; i < width; i++)
                Assert.AreEqual(expected[i], image[i], 1.0, $"{string.Join(' ', image)}");
        }
    }

    // Corners of the picture as a viewer shows it: upper left, upper right, lower left, lower right. EXIF 2.3, tag 274, says where the
    // file's first row and column are in the picture.
    [TestMethod]
    [DataRow(1, 0, 1, 2, 3)]
    [DataRow(2, 1, 0, 3, 2)] // first row top, first column right: the file's upper left is the picture's upper right
    [DataRow(3, 3, 2, 1, 0)] // bottom, right
    [DataRow(4, 2, 3, 0, 1)] // bottom, left
    [DataRow(5, 0, 2, 1, 3)] // first row is the left side, first column the top
    [DataRow(6, 1, 3, 0, 2)] // right, top
    [DataRow(7, 3, 1, 2, 0)] // right, bottom
    [DataRow(8, 2, 0, 3, 1)] // left, bottom
    public void The_camera_s_orientation_is_honoured(int tag, int upperLeft, int upperRight, int lowerLeft, int lowerRight)
    {
        int[] stored = [upperLeft, upperRight, lowerLeft, lowerRight]; // the picture's corners as they lie in the file
        var (width, height) = tag >= 5 ? (48, 96) : (96, 48);
        var file = WithOrientation(Encode(width, height,
            (x, y) => Corners[stored[(y >= height / 2 ? 2 : 0) + (x >= width / 2 ? 1 : 0)]], SKEncodedImageFormat.Jpeg), tag);

        foreach (var geometry in (ImageGeometry[])[ImageGeometry.Fill, ImageGeometry.CenterCrop, ImageGeometry.Pad])
        {
            var (shape, image) = (new ImageShape(3, 24, 48), new byte[3 * 24 * 48]);
            Assert.IsTrue(ImageDecoder.TryReadSize(file, geometry, out var rows, out var columns, out _));
            Assert.AreEqual((48, 96), (rows, columns));
            Assert.IsTrue(ImageDecoder.TryDecode(file, new(shape, geometry), image, out var picture, out var problem), problem);
            Assert.AreEqual(new PictureSize(48, 96), picture);
            for (var corner = 0; corner < 4; corner++)
                AssertColor(Corners[corner], image, shape, corner / 2 * 12 + 6, corner % 2 * 24 + 12, $"{geometry}, corner {corner}");
        }
        var ignoring = new byte[3 * 24 * 48];
        Assert.IsTrue(ImageDecoder.TryDecode(file, new(new(3, 24, 48), ImageGeometry.Legacy), ignoring, out _, out _));
        AssertColor(Corners[stored[0]], ignoring, new(3, 24, 48), 6, 12, "ignored");
    }

    [TestMethod]
    public void A_value_prints_and_compares_itself()
    {
        Assert.AreEqual("center crop (ratio 1.143)", ImageGeometry.CenterCrop.ToString());
        Assert.AreEqual("fill, bicubic, orientation ignored",
            new ImageGeometry { Interpolation = ImageInterpolation.Bicubic, HonorOrientation = false }.ToString());
        Assert.AreEqual(ImageGeometry.Pad, new ImageGeometry { Fit = ImageFit.Pad });
        foreach (var geometry in (ImageGeometry[])[ImageGeometry.Fill, ImageGeometry.Legacy,
            ImageGeometry.CenterCrop with { CropRatio = 1.1 }])
            Assert.AreEqual(geometry, ImageGeometryText.Parse(ImageGeometryText.Print(geometry)));
        Assert.IsNull(ImageGeometryText.Parse("CenterCrop 0.5 Bilinear True"));
        Assert.IsNull(ImageGeometryText.Parse("Fill"));
    }

    [TestMethod]
    public void What_cannot_be_is_refused()
    {
        foreach (var geometry in (ImageGeometry[])[new() { CropRatio = 0.99 }, new() { CropRatio = double.NaN }, new() { CropRatio = 17 },
            new() { Fit = (ImageFit)9 }, new() { Interpolation = (ImageInterpolation)9 }])
        {
            Assert.HasCount(1, geometry.Problems().ToList());
            Assert.ThrowsExactly<ArgumentOutOfRangeException>(
                () => new MLContext().MulticlassClassification.Trainers.ResNet(new ResNetTrainer.Options { ImageGeometry = geometry }));
        }
    }

    /// <summary>A JPEG file with an orientation tag: EXIF of one entry behind the start marker.</summary>
    internal static byte[] WithOrientation(byte[] jpeg, int tag)
    {
        byte[] exif = [.. "Exif\0\0"u8, .. "MM\0*"u8, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, (byte)tag, 0, 0, 0, 0, 0, 0];
        return [.. jpeg[..2], 0xFF, 0xE1, (byte)((exif.Length + 2) >> 8), (byte)(exif.Length + 2), .. exif, .. jpeg[2..]];
    }

    private static void AssertColor(SKColor expected, byte[] image, ImageShape shape, int y, int x, string where)
    {
        var pixel = y * shape.Width + x;
        Assert.AreEqual(expected.Red, image[pixel], 12.0, where);
        Assert.AreEqual(expected.Green, image[shape.PlaneSize + pixel], 12.0, where);
        Assert.AreEqual(expected.Blue, image[2 * shape.PlaneSize + pixel], 12.0, where);
    }

    private static void AssertNear(JsonElement expected, byte[] image, int side)
    {
        var pixels = expected.GetBytesFromBase64();
        Assert.HasCount(image.Length, pixels);
        for (var i = 0; i < pixels.Length; i++)
        {
            var (pixel, channel) = Math.DivRem(i, 3); // the golden is interleaved
            Assert.AreEqual(pixels[i], image[channel * side * side + pixel], 1.0,
                string.Create(CultureInfo.InvariantCulture, $"row {pixel / side}, column {pixel % side}, channel {channel}"));
        }
    }

    private static byte[] Make(byte[] picture, int height, int width, int side, ImageGeometry geometry)
    {
        var image = new byte[3 * side * side];
        Assert.IsTrue(
            ImageDecoder.TryConvert(picture, width, height, isBgra: false, new(new(3, side, side), geometry), image, out var problem),
            problem);
        return image;
    }

    private static byte[] Picture(string formula, int height, int width)
    {
        var pixels = new byte[height * width * 4];
        for (var y = 0; y < height; y++)
            for (var x = 0; x < width; x++)
                for (var c = 0; c < 3; c++)
                    pixels[(y * width + x) * 4 + c] = formula == "busy"
                        ? (byte)((x * 7 + y * 13 + c * 29 + x * y % 17 * 5) % 256)
                        : (byte)Math.Round(127.5 + 100 * Math.Sin(x / 9.0 + c) * Math.Cos(y / 13.0 - c));
        return pixels;
    }
}
