using BenchmarkDotNet.Attributes;
using Microsoft.ML.ResNet.Data;
using Microsoft.ML.ResNet.Images;
using SkiaSharp;

namespace Microsoft.ML.ResNet.Benchmarks.Pieces;

/// <summary>One image file of 32x32, and what is counted of its pixels; SkiaSharp's bitmap as the baseline.</summary>
public class ReadingPieces
{
    private static readonly ImageShape Shape = new(3, 32, 32);

    private readonly byte[] _planar = new byte[Shape.Size];
    private readonly ChannelStatistics _statistics = new(Shape);
    private byte[] _jpeg = [];

    [GlobalSetup]
    public void SetUp()
    {
        using var bitmap = new SKBitmap(32, 32, SKColorType.Rgba8888, SKAlphaType.Opaque);
        for (var i = 0; i < 1024; i++)
            bitmap.SetPixel(i % 32, i / 32, new SKColor((byte)(8 * (i % 32)), (byte)(8 * (i / 32)), (byte)(i % 32 * (i / 32) % 256)));
        _jpeg = bitmap.Encode(SKEncodedImageFormat.Jpeg, 90).ToArray();
    }

    [Benchmark(Baseline = true)]
    public void SkiaBitmap()
    {
        using var bitmap = SKBitmap.Decode(_jpeg, new SKImageInfo(32, 32, SKColorType.Rgba8888));
    }

    [Benchmark]
    public void Decode() => ImageDecoder.TryDecode(_jpeg, new(Shape, ImageGeometry.Fill), _planar, out _, out _);

    [Benchmark]
    public void Statistics() => _statistics.Add(_planar);
}
