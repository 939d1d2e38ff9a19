using SkiaSharp;

// Pictures of two classes, dark and light, one folder for each.
internal static class Pictures
{
    public static void Draw(string folder)
    {
        var random = new Random(1);
        foreach (var (name, least) in new[] { ("dark", 20), ("light", 150) })
            for (var i = 0; i < 24; i++)
            {
                using var picture = new SKBitmap(120 + i, 100);
                for (var y = 0; y < picture.Height; y++)
                    for (var x = 0; x < picture.Width; x++)
                    {
                        var grey = (byte)(least + random.Next(80));
                        picture.SetPixel(x, y, new SKColor(grey, grey, grey));
                    }
                var file = Directory.CreateDirectory(Path.Combine(folder, name)).FullName + $"/{i}.png";
                using var encoded = picture.Encode(SKEncodedImageFormat.Png, 100);
                File.WriteAllBytes(file, encoded.ToArray());
            }
    }
}
