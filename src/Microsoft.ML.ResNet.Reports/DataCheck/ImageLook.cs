using System.Security.Cryptography;
using Microsoft.ML.ResNet.Images;
using SkiaSharp;

namespace Microsoft.ML.ResNet.Reports.DataCheck;

/// <summary>What one look at an image tells; some 3 kB, of which the small picture is the most.</summary>
internal sealed class ImageLook
{
    /// <summary>Rows and columns of the small picture.</summary>
    public const int Side = PerceptualHash.Side;

    private static readonly ImageTarget Small = new(new ImageShape(3, Side, Side), ImageGeometry.Fill);

    private ImageLook()
    {
    }

    /// <summary>Why the image cannot be read; <see langword="null"/> where it can, and only then is the rest known.</summary>
    public string? Problem { get; private init; }

    /// <summary>Columns of the picture as it stands, in pixels.</summary>
    public int Width { get; private init; }

    /// <summary>Rows of the picture as it stands, in pixels.</summary>
    public int Height { get; private init; }

    /// <summary>The camera's orientation tag (EXIF): 1 for upright, to 8.</summary>
    public int Orientation { get; private init; }

    /// <summary>A checksum of the file.</summary>
    public UInt128 FileHash { get; private init; }

    /// <summary>The perceptual hash.</summary>
    public ulong Hash { get; private init; }

    /// <summary>The standard deviation of its grey values, of 0 to 255.</summary>
    public float Contrast { get; private init; }

    /// <summary>The picture at <see cref="Side"/> x <see cref="Side"/>: a red, a green and a blue plane.</summary>
    public byte[] Pixels { get; private init; } = [];

    /// <summary>Looks at an image.</summary>
    public static ImageLook At(CheckedImage image)
        => image.TryRead(out var problem) is { } file ? At(file) : new ImageLook { Problem = problem };

    /// <summary>Looks at an image file.</summary>
    public static ImageLook At(byte[] file)
    {
        var pixels = new byte[Small.Shape.Size];
        if (!ImageDecoder.TryDecode(file, Small, pixels, out var size, out var problem))
            return new ImageLook { Problem = problem };
        var grey = Grey(pixels);
        var mean = grey.Average();
        return new ImageLook
        {
            Width = size.Width,
            Height = size.Height,
            Orientation = OrientationOf(file),
            FileHash = BitConverter.ToUInt128(SHA256.HashData(file)),
            Hash = PerceptualHash.Of(grey),
            Contrast = MathF.Sqrt(grey.Average(value => (value - mean) * (value - mean))),
            Pixels = pixels,
        };
    }

    /// <summary>The luminance (ITU-R BT.601) of three planes.</summary>
    public static float[] Grey(ReadOnlySpan<byte> planes)
    {
        var grey = new float[planes.Length / 3];
        for (var i = 0; i < grey.Length; i++)
            grey[i] = 0.299f * planes[i] + 0.587f * planes[grey.Length + i] + 0.114f * planes[2 * grey.Length + i];
        return grey;
    }

    private static int OrientationOf(byte[] file)
    {
        using var data = SKData.CreateCopy(file);
        using var codec = SKCodec.Create(data);
        return codec is null ? 1 : Math.Clamp((int)codec.EncodedOrigin, 1, 8);
    }
}
