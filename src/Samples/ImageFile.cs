using Microsoft.ML.ResNet;
using SkiaSharp;

namespace Samples;

/// <summary>Reads one image file, of any size and any format that Skia decodes.</summary>
internal static class ImageFile
{
    private const long MostPixels = 100_000_000; // a small file may claim any size

    /// <summary>
    /// Decodes and resizes an image, as images were for training: with antialiasing, without keeping its aspect ratio, transparent parts
    /// over black.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="shape">The shape to deliver; 3 channels (red, green, blue) or 1 (grey).</param>
    /// <returns>The pixels, one colour plane after the other.</returns>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is no image, a damaged one or a huge one.</exception>
    public static byte[] Read(string path, ImageShape shape)
    {
        using var file = File.OpenRead(path);
        using var codec = SKCodec.Create(file) ?? throw Unreadable(path, "something else");
        if ((long)codec.Info.Width * codec.Info.Height > MostPixels)
            throw Unreadable(path, $"{codec.Info.Width} x {codec.Info.Height} pixels, more than {MostPixels}");
        using var image = SKBitmap.Decode(codec, codec.Info.WithColorType(SKColorType.Rgba8888).WithAlphaType(SKAlphaType.Premul))
            ?? throw Unreadable(path, "a damaged file");
        // averages pixels where it shrinks
        using var resized = image.Resize(new SKSizeI(shape.Width, shape.Height), SKFilterQuality.Medium);
        return ToPlanes(resized.GetPixelSpan(), shape);
    }

    private static byte[] ToPlanes(ReadOnlySpan<byte> rgba, ImageShape shape)
    {
        var planes = new byte[shape.Size];
        for (var pixel = 0; pixel < shape.PlaneSize; pixel++)
        {
            var colour = rgba.Slice(4 * pixel, 3);
            if (shape.Channels == 1)
                // Rec. 601, as the library's loader
                planes[pixel] = (byte)Math.Round(0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]);
            else
                for (var channel = 0; channel < 3; channel++)
                    planes[channel * shape.PlaneSize + pixel] = colour[channel];
        }
        return planes;
    }

    private static InvalidDataException Unreadable(string path, string found)
        => new($"{path}: expected an image (JPEG, PNG, WebP, GIF, BMP), found {found}.");
}
