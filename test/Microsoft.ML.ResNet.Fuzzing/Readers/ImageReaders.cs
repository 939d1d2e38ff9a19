using System.Buffers.Binary;
using System.IO.Hashing;
using Microsoft.ML.ResNet.Images;
using SkiaSharp;

namespace Microsoft.ML.ResNet.Fuzzing.Readers;

/// <summary>The decoder, format by format, with inputs that are repaired where a checksum would hide what lies behind it.</summary>
internal static class ImageReaders
{
    private static readonly ImageTarget[] Wanted =
        [new(new(3, 16, 12), ImageGeometry.Fill), new(new(1, 5, 9), ImageGeometry.CenterCrop), new(new(3, 9, 16), ImageGeometry.Pad)];
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "Corpus", "images");

    public static IEnumerable<FuzzTarget> All =>
    [
        Target("image-jpeg", 12, [.. Files("*.jpg"), Encode(20, 11, SKEncodedImageFormat.Jpeg)]),
        Target("image-png", 12, [.. Files("*.png"), Encode(11, 7, SKEncodedImageFormat.Png)]),
        new("image-png-chunks", 12, [.. Files("*.png"), Encode(11, 7, SKEncodedImageFormat.Png)], Tokens.Images,
            bytes => Decode(WithChecksums(bytes))),
        Target("image-gif", 12, Files("*.gif")),
        Target("image-bmp", 12, [.. Files("*.bmp"), .. Files("*.ico")]),
        Target("image-webp", 12, [.. Files("*.webp"), Encode(15, 17, SKEncodedImageFormat.Webp)]),
        Target("image-any", 6, Files("*.*")),
    ];

    /// <summary>Small images of every kind.</summary>
    public static IReadOnlyList<byte[]> Files(string pattern)
        => [.. Directory.GetFiles(Folder, pattern).Order(StringComparer.Ordinal).Select(File.ReadAllBytes)];

    private static FuzzTarget Target(string name, int share, IReadOnlyList<byte[]> seeds) => new(name, share, seeds, Tokens.Images, Decode);

    private static Outcome Decode(byte[] bytes)
    {
        var wanted = Wanted[bytes.Length % Wanted.Length];
        var hasSize = ImageDecoder.TryReadSize(bytes, wanted.Geometry, out var height, out var width, out var problem);
        Span<byte> planar = stackalloc byte[wanted.Shape.Size];
        if (ImageDecoder.TryDecode(bytes, wanted, planar, out _, out var decodeProblem) is var decoded && decoded && !hasSize)
            throw new InvalidOperationException($"Decoded an image whose size could not be read: {problem}.");
        return decoded ? new(true, $"{height > wanted.Shape.Height} {width > wanted.Shape.Width}") : new(false, decodeProblem!);
    }

    private static byte[] Encode(int width, int height, SKEncodedImageFormat format)
    {
        using var bitmap = new SKBitmap(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Unpremul));
        for (var y = 0; y < height; y++)
            for (var x = 0; x < width; x++)
                bitmap.SetPixel(x, y, new SKColor((byte)(x * 9), (byte)(y * 17), (byte)(x * y), (byte)(255 - x)));
        using var data = bitmap.Encode(format, 60);
        return data.ToArray();
    }

    /// <summary>Writes the checksum of each chunk of a PNG, as far as the chunks' lengths lead.</summary>
    private static byte[] WithChecksums(byte[] png)
    {
        const int signature = 8, head = 8, tail = 4;
        for (var at = signature; at + head + tail <= png.Length;)
        {
            var length = BinaryPrimitives.ReadUInt32BigEndian(png.AsSpan(at));
            if (length > png.Length - at - head - tail)
                break;
            var end = at + head + (int)length;
            BinaryPrimitives.WriteUInt32BigEndian(png.AsSpan(end), Crc32.HashToUInt32(png.AsSpan(at + 4, (int)length + 4)));
            at = end + tail;
        }
        return png;
    }
}
