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
    /// <param name="pixels">Rows of four-byte pixels without padding: a picture as it is stored.</param>
    /// <param name="height">Rows in <paramref name="pixels"/>.</param>
    /// <param name="width">Columns in <paramref name="pixels"/>.</param>
    /// <param name="isBgra">Whether a pixel's bytes are blue, green, red, alpha; otherwise red, green, blue, alpha.</param>
    /// <param name="frame">Where the picture goes in the image.</param>
    /// <param name="shape">The shape to write: 1 channel (grey) or 3 (red, green, blue).</param>
    /// <param name="planar">Receives <see cref="ImageShape.Size"/> bytes.</param>
    public static void Write(ReadOnlySpan<byte> pixels, int height, int width, bool isBgra, PictureFrame frame, ImageShape shape,
        Span<byte> planar)
    {
        if (frame.IsWhole(height, width))
        {
            WritePlanes(pixels, isBgra, shape, planar);
            return;
        }
        var rented = ArrayPool<uint>.Shared.Rent(2 * shape.PlaneSize);
        var image = rented.AsSpan(0, shape.PlaneSize);
        var turned = rented.AsSpan(shape.PlaneSize, shape.PlaneSize);
        Resize(MemoryMarshal.Cast<byte, uint>(pixels), height, width, frame, image);
        if (frame.Orientation.IsUpright)
            turned = image;
        else
            frame.Orientation.Apply(image, turned, shape.Height, shape.Width);
        WritePlanes(MemoryMarshal.AsBytes(turned), isBgra, shape, planar);
        ArrayPool<uint>.Shared.Return(rented);
    }

    /// <summary>Resizes a picture into the part of an image that it covers; the rest becomes black.</summary>
    /// <param name="pixels">The picture.</param>
    /// <param name="height">Its rows.</param>
    /// <param name="width">Its columns.</param>
    /// <param name="frame">Where it goes.</param>
    /// <param name="image">Receives the image, as it lies in the file.</param>
    public static void Resize(ReadOnlySpan<uint> pixels, int height, int width, PictureFrame frame, Span<uint> image)
    {
        var (place, rows, columns) = (frame.Place, frame.VisibleRows, frame.VisibleColumns);
        var acrossRows = new FilterTaps(height, place.Height, rows.First - place.Top, rows.Count, frame.Interpolation);
        var acrossColumns = new FilterTaps(width, place.Width, columns.First - place.Left, columns.Count, frame.Interpolation);
        var size = rows.Count * columns.Count;
        var resized = ArrayPool<Vector128<float>>.Shared.Rent(size);
        Resampler.Resize(pixels, height, width, width, acrossRows, acrossColumns, resized.AsSpan(0, size), rows.Count, columns.Count);
        if (size < image.Length)
            image.Clear();
        for (var row = 0; row < rows.Count; row++)
            Round(resized.AsSpan(row * columns.Count, columns.Count),
                MemoryMarshal.AsBytes(image.Slice((rows.First + row) * frame.Columns + columns.First, columns.Count)));
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

    /// <summary>Rounds pixels of four numbers to bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Round(ReadOnlySpan<Vector128<float>> pixels, Span<byte> bytes)
    {
        var (zero, full) = (Vector128<int>.Zero, Vector128.Create(255)); // cubic filters overshoot
        for (var i = 0; i < pixels.Length; i++)
        {
            var whole = Vector128.Clamp(Vector128.ConvertToInt32(pixels[i] + Vector128.Create(0.5f)), zero, full);
            for (var channel = 0; channel < 4; channel++)
                bytes[4 * i + channel] = (byte)whole[channel];
        }
    }
}
