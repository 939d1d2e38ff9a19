using Microsoft.ML.ResNet;
using SkiaSharp;

namespace Samples;

/// <summary>Reads one image file, of any size and any format that Skia decodes.</summary>
internal static class ImageFile
{
    /// <summary>Decodes and resizes an image, with antialiasing and without keeping its aspect ratio, as images were for training.</summary>
    /// <param name="path">The file.</param>
    /// <param name="shape">The shape to deliver; 3 channels (red, green, blue) or 1 (grey).</param>
    /// <returns>The pixels, one colour plane after the other.</returns>
    /// <exception cref="InvalidDataException">The file is no image, or a damaged one.</exception>
    public static byte[] Read(string path, ImageShape shape)
    {
        using var file = File.OpenRead(path);
        using var image = SKBitmap.Decode(file) ?? throw new InvalidDataException($"{path}: expected an image (JPEG, PNG, WebP, GIF, BMP), found something else or a damaged file.");
        var size = new SKImageInfo(shape.Width, shape.Height, SKColorType.Rgba8888, SKAlphaType.Premul);
        using var resized = image.Resize(size, SKFilterQuality.Medium); // mipmaps: shrinking averages pixels instead of dropping them
        return ToPlanes(resized.Pixels, shape);
    }

    private static byte[] ToPlanes(SKColor[] pixels, ImageShape shape) =>
    [
        .. Enumerable.Range(0, shape.Channels).SelectMany(channel => pixels.Select(pixel => (shape.Channels, channel) switch
        {
            (1, _) => (byte)Math.Round(0.299 * pixel.Red + 0.587 * pixel.Green + 0.114 * pixel.Blue), // Rec. 601, as the library's loader
            (_, 0) => pixel.Red,
            (_, 1) => pixel.Green,
            _ => pixel.Blue,
        })),
    ];
}
