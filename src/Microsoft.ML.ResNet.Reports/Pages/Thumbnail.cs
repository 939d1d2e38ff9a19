using System.Diagnostics.CodeAnalysis;
using Microsoft.ML.ResNet.Images;
using SkiaSharp;

namespace Microsoft.ML.ResNet.Reports.Pages;

/// <summary>Small pictures for pages: WebP files, which JSON holds as base64 and <c>page.js</c> shows by <c>image</c>.</summary>
internal static class Thumbnail
{
    /// <summary>The longer side where nobody says another, in pixels.</summary>
    public const int UsualSide = 128;

    private const int Quality = 70;
    private const int QualityOfFewPixels = 90; // at the size of a thumbnail's own blocks, less is mud
    private const int FewPixels = 64;

    /// <summary>Makes one of an image file, as it stands upright; it is not enlarged.</summary>
    /// <param name="encoded">The whole file.</param>
    /// <param name="side">The most that its longer side may have, in pixels.</param>
    /// <param name="webP">The thumbnail.</param>
    /// <param name="problem">Why there is none: expected and found.</param>
    public static bool TryCreate(ReadOnlySpan<byte> encoded, int side, [NotNullWhen(true)] out byte[]? webP,
        [NotNullWhen(false)] out string? problem)
    {
        webP = null;
        if (!ImageDecoder.TryReadSize(encoded, ImageGeometry.Fill, out var height, out var width, out problem))
            return false;
        var shape = Fit(height, width, side);
        var planar = new byte[shape.Size];
        if (!ImageDecoder.TryDecode(encoded, new ImageTarget(shape, ImageGeometry.Fill), planar, out _, out problem))
            return false;
        webP = Encode(planar, shape);
        return true;
    }

    /// <summary>Makes one of pixels; it is not enlarged.</summary>
    /// <param name="planar">The image: 1 channel (grey) or at least 3, of which the first are red, green and blue.</param>
    /// <param name="shape">Its shape.</param>
    /// <param name="side">The most that its longer side may have, in pixels.</param>
    public static byte[] Create(ReadOnlySpan<byte> planar, ImageShape shape, int side)
    {
        var small = Fit(shape.Height, shape.Width, side) with { Channels = shape.Channels < 3 ? 1 : 3 };
        planar = planar[..(small.Channels * shape.PlaneSize)];
        if (small.PlaneSize == shape.PlaneSize)
            return Encode(planar, small);
        var resized = new byte[small.Size];
        PlanarPicture.Crop(planar, shape with { Channels = small.Channels }, new PictureBox(0, 0, shape.Height, shape.Width),
            ImageInterpolation.Bilinear, small, resized);
        return Encode(resized, small);
    }

    private static ImageShape Fit(int height, int width, int side)
    {
        var scale = Math.Min(1, (double)side / Math.Max(height, width));
        return new(3, Math.Max(1, (int)Math.Round(height * scale)), Math.Max(1, (int)Math.Round(width * scale)));
    }

    private static byte[] Encode(ReadOnlySpan<byte> planar, ImageShape shape)
    {
        var pixels = new byte[4 * shape.PlaneSize];
        var (green, blue) = shape.Channels == 1 ? (0, 0) : (shape.PlaneSize, 2 * shape.PlaneSize);
        for (var pixel = 0; pixel < shape.PlaneSize; pixel++)
            (pixels[4 * pixel], pixels[4 * pixel + 1], pixels[4 * pixel + 2], pixels[4 * pixel + 3])
                = (planar[pixel], planar[green + pixel], planar[blue + pixel], byte.MaxValue);
        using var image = SKImage.FromPixelCopy(new SKImageInfo(shape.Width, shape.Height, SKColorType.Rgba8888, SKAlphaType.Opaque),
            pixels);
        using var file = image.Encode(SKEncodedImageFormat.Webp,
            Math.Max(shape.Height, shape.Width) <= FewPixels ? QualityOfFewPixels : Quality);
        return file.ToArray();
    }
}
