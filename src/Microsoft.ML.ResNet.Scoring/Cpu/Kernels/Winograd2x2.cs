using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.ResNet.Cpu.Kernels;

/// <summary>
/// The transforms of F(2x2, 3x3): 16 products where the definition has 36, from additions alone but for halves.
/// <code>
///       1  0 -1  0          1    0    0            1  1  1  0
/// B^T = 0  1  1  0      G = 1/2  1/2  1/2    A^T = 0  1 -1 -1
///       0 -1  1  0          1/2 -1/2  1/2
///       0  1  0 -1          0    0    1
/// </code>
/// </summary>
internal readonly unsafe struct Winograd2x2 : IWinogradTransforms
{
    /// <inheritdoc/>
    public static int TileSize => 2;

    /// <inheritdoc/>
    public static bool MayHangOver => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Input<T>(float* pixels, nint row, nint pixel, float* elements, nint pitch)
        where T : struct, ILanes<T>
    {
        var (a0, a1, a2, a3) = Differences<T>(pixels, row);
        var (b0, b1, b2, b3) = Differences<T>(pixels + pixel, row);
        var (c0, c1, c2, c3) = Differences<T>(pixels + 2 * pixel, row);
        var (d0, d1, d2, d3) = Differences<T>(pixels + 3 * pixel, row);
        StoreDifferences(a0, b0, c0, d0, elements, pitch);
        StoreDifferences(a1, b1, c1, d1, elements + 4 * pitch, pitch);
        StoreDifferences(a2, b2, c2, d2, elements + 8 * pitch, pitch);
        StoreDifferences(a3, b3, c3, d3, elements + 12 * pitch, pitch);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Output<T, TSink>(float* elements, nint pitch, float* pixels, nint row, nint pixel, int height, int width, TSink sink)
        where T : struct, ILanes<T>
        where TSink : struct, IPixelSink<T>
    {
        var (a0, a1) = Sums<T>(elements, 4 * pitch);
        var (b0, b1) = Sums<T>(elements + pitch, 4 * pitch);
        var (c0, c1) = Sums<T>(elements + 2 * pitch, 4 * pitch);
        var (d0, d1) = Sums<T>(elements + 3 * pitch, 4 * pitch);
        sink.Put(a0 + b0 + c0, pixels);
        if (width > 1)
            sink.Put(b0 - c0 - d0, pixels + pixel);
        if (height > 1)
            sink.Put(a1 + b1 + c1, pixels + row);
        if (width > 1 && height > 1)
            sink.Put(b1 - c1 - d1, pixels + row + pixel);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void OutputGradient<T>(float* pixels, nint row, nint pixel, float* elements, nint pitch)
        where T : struct, ILanes<T>
    {
        T p = T.Load(pixels), q = T.Load(pixels + pixel), r = T.Load(pixels + row), s = T.Load(pixels + row + pixel);
        StoreSpread(p, q, elements, pitch);
        StoreSpread(p + r, q + s, elements + 4 * pitch, pitch);
        StoreSpread(p - r, q - s, elements + 8 * pitch, pitch);
        StoreSpread(-r, -s, elements + 12 * pitch, pitch);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Weights(float* weights, nint weight, float* elements, nint pitch)
    {
        var rows = stackalloc Vector512<float>[4 * 3];
        for (var x = 0; x < 3; x++)
        {
            Vector512<float> a = Vector512.Load(weights + x * weight), b = Vector512.Load(weights + (3 + x) * weight),
                c = Vector512.Load(weights + (6 + x) * weight);
            (rows[x], rows[3 + x], rows[6 + x], rows[9 + x]) = (a, (a + b + c) * 0.5f, (a - b + c) * 0.5f, c);
        }
        for (var y = 0; y < 4; y++, rows += 3, elements += 4 * pitch)
        {
            rows[0].Store(elements);
            ((rows[0] + rows[1] + rows[2]) * 0.5f).Store(elements + pitch);
            ((rows[0] - rows[1] + rows[2]) * 0.5f).Store(elements + 2 * pitch);
            rows[2].Store(elements + 3 * pitch);
        }
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void WeightsGradient(float* elements, nint pitch, float* weights, nint weight)
    {
        var rows = stackalloc Vector512<float>[3 * 4];
        for (var x = 0; x < 4; x++)
        {
            Vector512<float> a = Vector512.Load(elements + x * pitch), b = Vector512.Load(elements + (4 + x) * pitch),
                c = Vector512.Load(elements + (8 + x) * pitch), d = Vector512.Load(elements + (12 + x) * pitch);
            (rows[x], rows[4 + x], rows[8 + x]) = (a + (b + c) * 0.5f, (b - c) * 0.5f, (b + c) * 0.5f + d);
        }
        for (var y = 0; y < 3; y++, rows += 4, weights += 3 * weight)
        {
            (rows[0] + (rows[1] + rows[2]) * 0.5f).Store(weights);
            ((rows[1] - rows[2]) * 0.5f).Store(weights + weight);
            ((rows[1] + rows[2]) * 0.5f + rows[3]).Store(weights + 2 * weight);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (T, T, T, T) Differences<T>(float* first, nint step)
        where T : struct, ILanes<T>
    {
        T a = T.Load(first), b = T.Load(first + step), c = T.Load(first + 2 * step), d = T.Load(first + 3 * step);
        return (a - c, b + c, c - b, b - d);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreDifferences<T>(T a, T b, T c, T d, float* first, nint step)
        where T : struct, ILanes<T>
    {
        T.Store(a - c, first);
        T.Store(b + c, first + step);
        T.Store(c - b, first + 2 * step);
        T.Store(b - d, first + 3 * step);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (T, T) Sums<T>(float* first, nint step)
        where T : struct, ILanes<T>
    {
        T b = T.Load(first + step), c = T.Load(first + 2 * step);
        return (T.Load(first) + b + c, b - c - T.Load(first + 3 * step));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreSpread<T>(T a, T b, float* first, nint step)
        where T : struct, ILanes<T>
    {
        T.Store(a, first);
        T.Store(a + b, first + step);
        T.Store(a - b, first + 2 * step);
        T.Store(-b, first + 3 * step);
    }
}
