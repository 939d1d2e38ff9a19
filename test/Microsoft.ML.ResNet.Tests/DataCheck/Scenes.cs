using Microsoft.ML.ResNet.Reports;
using SkiaSharp;

namespace Microsoft.ML.ResNet.Tests.DataCheck;

/// <summary>Pictures drawn for the check: each a scene of its own, discs for one class and bars for the other.</summary>
internal static class Scenes
{
    public const int Side = 96;

    /// <summary>A scene: the seed decides all of it.</summary>
    public static SKBitmap Draw(int seed, bool isDiscs)
    {
        var random = new Random(seed);
        var bitmap = new SKBitmap(Side, Side);
        using var canvas = new SKCanvas(bitmap);
        canvas.Clear(Colour(random));
        using var paint = new SKPaint { IsAntialias = true };
        for (var thing = 0; thing < 14; thing++)
        {
            paint.Color = Colour(random);
            var (x, y, size) = (random.Next(Side), random.Next(Side), random.Next(6, 22));
            if (isDiscs)
                canvas.DrawCircle(x, y, size, paint);
            else
                canvas.DrawRect(x - 40, y - size / 4, 80, size / 2, paint);
        }
        return bitmap;
    }

    /// <summary>Another print of a scene: a part of it, at another brightness.</summary>
    public static SKBitmap Print(SKBitmap scene, SKRect part, float gain, bool isMirrored = false)
    {
        var print = new SKBitmap(scene.Width, scene.Height);
        using var canvas = new SKCanvas(print);
        using var paint = new SKPaint { FilterQuality = SKFilterQuality.High };
        paint.ColorFilter = SKColorFilter.CreateColorMatrix([gain, 0, 0, 0, 0, 0, gain, 0, 0, 0, 0, 0, gain, 0, 0, 0, 0, 0, 1, 0]);
        if (isMirrored)
            canvas.Scale(-1, 1, scene.Width / 2f, 0);
        canvas.DrawBitmap(scene, part, new SKRect(0, 0, scene.Width, scene.Height), paint);
        return print;
    }

    public static byte[] Jpeg(SKBitmap bitmap, int quality = 90)
    {
        using var data = bitmap.Encode(SKEncodedImageFormat.Jpeg, quality);
        return data.ToArray();
    }

    /// <summary>An image to check.</summary>
    public static CheckedImage Image(string part, string label, string name, byte[] file)
        => new($"{part}/{label}/{name}", label, part, () => file);

    /// <summary>Scenes of both classes, without a fault.</summary>
    public static List<CheckedImage> Clean(string part, int ofEach, int seed)
        => [.. from label in new[] { "bars", "discs" }
               from number in Enumerable.Range(0, ofEach)
               let scene = Draw(seed + 1000 * (label == "discs" ? 1 : 0) + number, label == "discs")
               select Image(part, label, $"{number:d2}.jpg", Jpeg(scene))];

    private static SKColor Colour(Random random) => new((byte)random.Next(256), (byte)random.Next(256), (byte)random.Next(256));
}
