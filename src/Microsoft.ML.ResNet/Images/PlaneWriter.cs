using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.ResNet.Images;

/// <summary>Turns rows of four-byte pixels into planar bytes of a given shape: resized if need be, in colour or grey.</summary>
/// <remarks>
/// The fourth byte (alpha) is dropped: colours are taken as they are, which for premultiplied pixels means laid over black.
/// </remarks>
internal static class PlaneWriter
{
    // Rec. 601 luma in 16-bit fixed point, as Pillow computes it; the weights sum to 65,536, so grey stays exactly the same grey.
    private const int RedWeight = 19595;
    private const int GreenWeight = 38470;
    private const int BlueWeight = 7471;

    /// <summary>Writes an image of <paramref name="shape"/>; lengths are the caller's to check.</summary>
    /// <param name="pixels">Rows of four-byte pixels without padding.</param>
    /// <param name="height">Rows in <paramref name="pixels"/>.</param>
    /// <param name="width">Columns in <paramref name="pixels"/>.</param>
    /// <param name="isBgra">Whether a pixel's bytes are blue, green, red, alpha; otherwise red, green, blue, alpha.</param>
    /// <param name="shape">The shape to write: 1 channel (grey) or 3 (red, green, blue).</param>
    /// <param name="planar">Receives <see cref="ImageShape.Size"/> bytes.</param>
    public static void Write(ReadOnlySpan<byte> pixels, int height, int width, bool isBgra, ImageShape shape, Span<byte> planar)
    {
        if ((height, width) == (shape.Height, shape.Width))
        {
            WritePlanes(pixels, isBgra, shape, planar);
            return;
        }
        var resized = ArrayPool<Vector128<float>>.Shared.Rent(shape.PlaneSize);
        var bytes = ArrayPool<byte>.Shared.Rent(shape.PlaneSize * 4);
        Resampler.Resize(pixels, height, width, resized.AsSpan(0, shape.PlaneSize), shape.Height, shape.Width);
        Round(resized.AsSpan(0, shape.PlaneSize), bytes);
        WritePlanes(bytes, isBgra, shape, planar);
        ArrayPool<byte>.Shared.Return(bytes);
        ArrayPool<Vector128<float>>.Shared.Return(resized);
    }

    private static void WritePlanes(ReadOnlySpan<byte> pixels, bool isBgra, ImageShape shape, Span<byte> planar)
    {
        var (red, blue) = isBgra ? (2, 0) : (0, 2);
        var size = shape.PlaneSize;
        if (shape.Channels == 1)
        {
            WriteGrey(pixels, red, blue, planar[..size]);
            return;
        }
        var reds = planar[..size];
        var greens = planar.Slice(size, size);
        var blues = planar.Slice(2 * size, size);
        WriteFours(pixels, isBgra, reds, greens, blues);
        for (var i = size - size % 4; i < size; i++)
            (reds[i], greens[i], blues[i]) = (pixels[4 * i + red], pixels[4 * i + 1], pixels[4 * i + blue]);
    }

    /// <summary>Writes as many pixels as there are in whole fours: one shuffle puts the four bytes of each channel side by side.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WriteFours(ReadOnlySpan<byte> pixels, bool isBgra, Span<byte> reds, Span<byte> greens, Span<byte> blues)
    {
        var byChannel = isBgra
            ? Vector128.Create((byte)2, 6, 10, 14, 1, 5, 9, 13, 0, 4, 8, 12, 3, 7, 11, 15)
            : Vector128.Create((byte)0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
        for (var i = 0; i <= reds.Length - 4; i += 4)
        {
            var channels = Vector128.Shuffle(Vector128.Create(pixels.Slice(4 * i, 16)), byChannel).AsUInt32();
            MemoryMarshal.Write(reds[i..], channels.GetElement(0));
            MemoryMarshal.Write(greens[i..], channels.GetElement(1));
            MemoryMarshal.Write(blues[i..], channels.GetElement(2));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WriteGrey(ReadOnlySpan<byte> pixels, int red, int blue, Span<byte> plane)
    {
        for (var i = 0; i < plane.Length; i++)
        {
            var pixel = pixels.Slice(4 * i, 4);
            plane[i] = (byte)((RedWeight * pixel[red] + GreenWeight * pixel[1] + BlueWeight * pixel[blue] + 0x8000) >> 16);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Round(ReadOnlySpan<Vector128<float>> pixels, Span<byte> bytes)
    {
        for (var i = 0; i < pixels.Length; i++)
        {
            // Weights sum to 1, so a value leaves 0 to 255 by rounding errors only: adding one half and truncating needs no clamp.
            var whole = Vector128.ConvertToInt32(pixels[i] + Vector128.Create(0.5f));
            for (var channel = 0; channel < 4; channel++)
                bytes[4 * i + channel] = (byte)whole[channel];
        }
    }
}
