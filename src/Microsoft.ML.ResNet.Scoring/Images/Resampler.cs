using System.Buffers;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.ResNet.Images;

/// <summary>
/// Resizes images with antialiasing: a filter that widens with the reduction, so that every source pixel counts.
/// </summary>
/// <remarks>
/// With the triangle, this is what Pillow calls BILINEAR and torchvision <c>antialias=True</c>, so pixels agree (to a grey level) with
/// those that networks from PyTorch were trained on. Skia's own choices were passed over: its mipmaps pick one level for both directions,
/// and blur or alias when the aspect ratio changes; its cubic filters look at 4x4 pixels whatever the reduction. When enlarging it is plain
/// bilinear interpolation.
/// </remarks>
internal static class Resampler
{
    /// <summary>
    /// Resizes four-byte pixels into one vector of four floating-point channels per target pixel, in the same channel order.
    /// </summary>
    /// <param name="source">Rows of four-byte pixels.</param>
    /// <param name="sourceHeight">Rows in the source, at least 1.</param>
    /// <param name="sourceWidth">Columns in the source, at least 1.</param>
    /// <param name="sourceStride">Pixels from one row of the source to the next, at least <paramref name="sourceWidth"/>.</param>
    /// <param name="acrossRows">What rows of the target are made of.</param>
    /// <param name="acrossColumns">What columns of the target are made of.</param>
    /// <param name="target">Target rows, <paramref name="targetHeight"/> x <paramref name="targetWidth"/>; overwritten.</param>
    /// <param name="targetHeight">Rows in the target, at least 1.</param>
    /// <param name="targetWidth">Columns in the target, at least 1.</param>
    public static void Resize(ReadOnlySpan<uint> source, int sourceHeight, int sourceWidth, int sourceStride, FilterTaps acrossRows,
        FilterTaps acrossColumns, Span<Vector128<float>> target, int targetHeight, int targetWidth)
    {
        var rented = ArrayPool<Vector128<float>>.Shared.Rent(targetWidth);
        var line = rented.AsSpan(0, targetWidth);
        target.Clear();

        // Each source row is narrowed once and added to the target rows it touches: memory is bounded by the target, however tall the
        // source.
        var (first, end) = (0, Math.Min(sourceHeight, acrossRows.End(targetHeight - 1)));
        for (var y = acrossRows.Start(0); y < end; y++)
        {
            while (acrossRows.End(first) <= y)
                first++;
            if (acrossRows.Start(first) > y)
                continue;
            ResizeRow(source.Slice(y * sourceStride, sourceWidth), acrossColumns, line);
            for (var row = first; row < targetHeight && acrossRows.Start(row) <= y; row++)
                AddRow(line, acrossRows.Weights(row)[y - acrossRows.Start(row)], target.Slice(row * targetWidth, targetWidth));
        }
        ArrayPool<Vector128<float>>.Shared.Return(rented);
    }

    private static void ResizeRow(ReadOnlySpan<uint> source, FilterTaps taps, Span<Vector128<float>> line)
    {
        for (var x = 0; x < line.Length; x++)
        {
            var weights = taps.Weights(x);
            var pixels = source.Slice(taps.Start(x), weights.Length);
            var sum = Vector128<float>.Zero;
            for (var i = 0; i < weights.Length; i++)
                sum += ToFloats(pixels[i]) * weights[i];
            line[x] = sum;
        }
    }

    private static void AddRow(ReadOnlySpan<Vector128<float>> line, float weight, Span<Vector128<float>> target)
    {
        for (var x = 0; x < target.Length; x++)
            target[x] += line[x] * weight;
    }

    private static Vector128<float> ToFloats(uint pixel)
    {
        var shorts = Vector128.WidenLower(Vector128.CreateScalar(pixel).AsByte());
        return Vector128.ConvertToSingle(Vector128.WidenLower(shorts).AsInt32());
    }
}
