using Microsoft.ML.ResNet.Foundation;
using Microsoft.ML.ResNet.Images;
using SkiaSharp;

namespace Microsoft.ML.ResNet.Reports.Sampling;

/// <summary>Draws images with their labels in rows and columns.</summary>
/// <param name="columns">How many beside one another.</param>
/// <param name="side">The sides of an image, in pixels.</param>
internal sealed class ImageGrid(int columns, int side)
{
    private const int Gap = 8; // pixels

    /// <summary>Writes the drawing as PNG.</summary>
    /// <param name="path">The file.</param>
    /// <param name="pictures">The images, row by row.</param>
    /// <param name="shape">Their shape.</param>
    public void Write(string path, IReadOnlyList<LabeledPicture> pictures, ImageShape shape)
    {
        using var face = GridFont.Find();
        using var paint = new SKPaint { Color = SKColors.Black, IsAntialias = true, Typeface = face, TextSize = Math.Max(9, side / 9f) };
        var strip = face is null ? 0 : (int)Math.Ceiling(paint.FontSpacing);
        var across = Math.Min(columns, pictures.Count);
        var down = (pictures.Count + columns - 1) / columns;
        var size = new SKImageInfo(across * (side + Gap) + Gap, down * (side + strip + Gap) + Gap, SKColorType.Rgba8888,
            SKAlphaType.Opaque);
        using var surface = SKSurface.Create(size) ?? throw new InsufficientMemoryException(
            $"There is no memory for a drawing of {size.Width} x {size.Height} pixels. Take fewer rows or columns.");
        surface.Canvas.Clear(SKColors.White);
        foreach (var (index, picture) in pictures.Index())
        {
            var (left, top) = (Gap + index % columns * (side + Gap), Gap + index / columns * (side + strip + Gap));
            Draw(surface.Canvas, picture, shape, left, top);
            if (strip > 0)
                DrawLabel(surface.Canvas, picture.Label, paint, left, top + side - paint.FontMetrics.Ascent);
        }
        using var drawing = surface.Snapshot();
        using var file = drawing.Encode(SKEncodedImageFormat.Png, 100);
        SafeFile.Write(path, file.SaveTo);
    }

    // Undistorted; small images with hard pixels, so that one sees what the network gets.
    private void Draw(SKCanvas canvas, LabeledPicture picture, ImageShape shape, int left, int top)
    {
        var scale = (float)side / Math.Max(shape.Height, shape.Width);
        var (height, width) = (Math.Max(1, (int)(shape.Height * scale)), Math.Max(1, (int)(shape.Width * scale)));
        var pixels = picture.Pixels.Span;
        if (scale < 1)
        {
            var small = new byte[shape.Channels * height * width];
            PlanarPicture.Crop(pixels, shape, new PictureBox(0, 0, shape.Height, shape.Width), ImageInterpolation.Bilinear,
                shape with { Height = height, Width = width }, small);
            pixels = small;
            shape = shape with { Height = height, Width = width };
        }
        using var image = SKImage.FromPixelCopy(new SKImageInfo(shape.Width, shape.Height, SKColorType.Rgba8888, SKAlphaType.Opaque),
            PlanarPixels.Interleave(pixels, shape));
        using var paint = new SKPaint { FilterQuality = SKFilterQuality.None };
        canvas.DrawImage(image, SKRect.Create(left + (side - width) / 2, top + (side - height) / 2, width, height), paint);
    }

    private void DrawLabel(SKCanvas canvas, string label, SKPaint paint, float left, float line)
    {
        using var other = GridFont.FindOther(label, paint.Typeface);
        using var own = paint.Clone();
        own.Typeface = other ?? paint.Typeface;
        canvas.DrawText(Fit(label, own), left, line, own);
    }

    private string Fit(string label, SKPaint paint)
    {
        var fits = (int)paint.BreakText(label, side);
        while (fits < label.Length && fits > 0 && paint.MeasureText(label[..fits] + "…") > side)
            fits--;
        return fits < label.Length ? label[..fits] + "…" : label;
    }
}
