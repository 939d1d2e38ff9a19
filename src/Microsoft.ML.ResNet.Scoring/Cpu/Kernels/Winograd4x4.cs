using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.ResNet.Cpu.Kernels;

/// <summary>
/// The transforms of F(4x4, 3x3): 36 products where the definition has 144. They interpolate at 0, a, -a, b, -b and infinity, where a is
/// 3/4 and b is 3/2; the usual 1 and 2 double the error. With A2 for a^2 and so on:
/// <code>
///       A2B2  0   -A2-B2   0    1  0          1        0       0                1  1  1  1  1  0
///       0   -aB2   -B2     a    1  0          1        a       A2   over na     0  a -a  b -b  0
/// B^T = 0    aB2   -B2    -a    1  0      G = 1       -a       A2   over na     0  A2 A2 B2 B2 0
///       0   -bA2   -A2     b    1  0          1        b       B2   over nb     0  A3-A3 B3-B3 1
///       0    bA2   -A2    -b    1  0          1       -b       B2   over nb   = A^T
///       0   A2B2    0   -A2-B2  0  1          0        0       1
/// </code>
/// The first row of G is over A2 B2, na is 2 A2 (A2 - B2), nb is 2 B2 (B2 - A2). Rows of a and -a share their even and their odd powers.
/// </summary>
internal readonly unsafe struct Winograd4x4 : IWinogradTransforms
{
    private const float A = 0.75f, B = 1.5f;
    private const float A2 = A * A, B2 = B * B, A3 = A2 * A, B3 = B2 * B, A2B2 = A2 * B2, Squares = A2 + B2;
    private const float OverZero = 1 / A2B2, OverA = 1 / (2 * A2 * (A2 - B2)), OverB = 1 / (2 * B2 * (B2 - A2));

    /// <inheritdoc/>
    public static int TileSize => 4;

    /// <inheritdoc/>
    public static bool MayHangOver => false;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Input<T>(float* pixels, nint row, nint pixel, float* elements, nint pitch)
        where T : struct, ILanes<T>
    {
        InputsAtZero<T>(pixels, row, pixel, elements, pitch);
        InputPairs<T>(pixels, row, pixel, A, B2, elements + 6 * pitch, pitch);
        InputPairs<T>(pixels, row, pixel, B, A2, elements + 18 * pitch, pitch);
        InputsAtZero<T>(pixels + row, row, pixel, elements + 30 * pitch, pitch); // at infinity: the same of the next rows
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Output<T, TSink>(float* elements, nint pitch, float* pixels, nint row, nint pixel, int height, int width, TSink sink)
        where T : struct, ILanes<T>
        where TSink : struct, IPixelSink<T>
    {
        EvenRows<T, TSink>(elements, pitch, pixels, 2 * row, pixel, sink);
        OddRows<T, TSink>(elements, pitch, pixels + row, 2 * row, pixel, sink);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void OutputGradient<T>(float* pixels, nint row, nint pixel, float* elements, nint pitch)
        where T : struct, ILanes<T>
    {
        SpreadRow<T>(pixels, pixel, elements, pitch);
        SpreadPairs<T>(pixels, row, pixel, A, A2, elements + 6 * pitch, pitch);
        SpreadPairs<T>(pixels, row, pixel, B, B2, elements + 18 * pitch, pitch);
        SpreadRow<T>(pixels + 3 * row, pixel, elements + 30 * pitch, pitch);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Weights(float* weights, nint weight, float* elements, nint pitch)
    {
        var rows = stackalloc Vector512<float>[6 * 3];
        for (var x = 0; x < 3; x++)
            Spread(Vector512.Load(weights + x * weight), Vector512.Load(weights + (3 + x) * weight),
                Vector512.Load(weights + (6 + x) * weight), rows + x, 3);
        var spread = stackalloc Vector512<float>[6];
        for (var y = 0; y < 6; y++, rows += 3)
        {
            Spread(rows[0], rows[1], rows[2], spread, 1);
            for (var x = 0; x < 6; x++, elements += pitch)
                spread[x].Store(elements);
        }
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void WeightsGradient(float* elements, nint pitch, float* weights, nint weight)
    {
        var rows = stackalloc Vector512<float>[3 * 6];
        var column = stackalloc Vector512<float>[6];
        for (var x = 0; x < 6; x++)
        {
            for (var y = 0; y < 6; y++)
                column[y] = Vector512.Load(elements + (6 * y + x) * pitch);
            (rows[x], rows[6 + x], rows[12 + x]) = Gathered(column);
        }
        for (var y = 0; y < 3; y++, rows += 6, weights += 3 * weight)
        {
            var (a, b, c) = Gathered(rows);
            a.Store(weights);
            b.Store(weights + weight);
            c.Store(weights + 2 * weight);
        }
    }

    // Both dimensions of one row of elements, or of a pair of rows: no more than registers hold, and than the compiler inlines.
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void InputsAtZero<T>(float* pixels, nint row, nint pixel, float* elements, nint pitch)
        where T : struct, ILanes<T>
        => StoreInputs(AtZero<T>(pixels, row), AtZero<T>(pixels + pixel, row), AtZero<T>(pixels + 2 * pixel, row),
            AtZero<T>(pixels + 3 * pixel, row), AtZero<T>(pixels + 4 * pixel, row), AtZero<T>(pixels + 5 * pixel, row), elements, pitch);

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void InputPairs<T>(float* pixels, nint row, nint pixel, float point, float other, float* elements, nint pitch)
        where T : struct, ILanes<T>
    {
        var (a0, a1) = AtPair<T>(pixels, row, point, other);
        var (b0, b1) = AtPair<T>(pixels + pixel, row, point, other);
        var (c0, c1) = AtPair<T>(pixels + 2 * pixel, row, point, other);
        var (d0, d1) = AtPair<T>(pixels + 3 * pixel, row, point, other);
        var (e0, e1) = AtPair<T>(pixels + 4 * pixel, row, point, other);
        var (f0, f1) = AtPair<T>(pixels + 5 * pixel, row, point, other);
        StoreInputs(a0, b0, c0, d0, e0, f0, elements, pitch);
        StoreInputs(a1, b1, c1, d1, e1, f1, elements + 6 * pitch, pitch);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreInputs<T>(T a, T b, T c, T d, T e, T f, float* first, nint step)
        where T : struct, ILanes<T>
    {
        T.Store(AtZero(a, c, e), first);
        StorePair(AtPair(b, c, d, e, A, B2), first + step, step);
        StorePair(AtPair(b, c, d, e, B, A2), first + 3 * step, step);
        T.Store(AtZero(b, d, f), first + 5 * step);
    }

    // The row of B^T for the point 0.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T AtZero<T>(float* first, nint step)
        where T : struct, ILanes<T>
        => AtZero(T.Load(first), T.Load(first + 2 * step), T.Load(first + 4 * step));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T AtZero<T>(T first, T third, T fifth)
        where T : struct, ILanes<T>
        => T.MultiplyAdd(first, A2B2, T.MultiplyAdd(third, -Squares, fifth));

    // The rows of B^T for a point and its negative; other is the square of the other point.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (T, T) AtPair<T>(float* first, nint step, float point, float other)
        where T : struct, ILanes<T>
        => AtPair(T.Load(first + step), T.Load(first + 2 * step), T.Load(first + 3 * step), T.Load(first + 4 * step), point, other);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (T, T) AtPair<T>(T second, T third, T fourth, T fifth, float point, float other)
        where T : struct, ILanes<T>
    {
        T even = T.MultiplyAdd(third, -other, fifth), odd = T.MultiplyAdd(second, -other, fourth);
        return (T.MultiplyAdd(odd, point, even), T.MultiplyAdd(odd, -point, even));
    }

    // Rows 0 and 2 of the output.
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void EvenRows<T, TSink>(float* elements, nint pitch, float* pixels, nint twoRows, nint pixel, TSink sink)
        where T : struct, ILanes<T>
        where TSink : struct, IPixelSink<T>
    {
        var (a0, a2) = EvenOf<T>(elements, 6 * pitch);
        var (b0, b2) = EvenOf<T>(elements + pitch, 6 * pitch);
        var (c0, c2) = EvenOf<T>(elements + 2 * pitch, 6 * pitch);
        var (d0, d2) = EvenOf<T>(elements + 3 * pitch, 6 * pitch);
        var (e0, e2) = EvenOf<T>(elements + 4 * pitch, 6 * pitch);
        var (f0, f2) = EvenOf<T>(elements + 5 * pitch, 6 * pitch);
        PutRow(a0, b0, c0, d0, e0, f0, pixels, pixel, sink);
        PutRow(a2, b2, c2, d2, e2, f2, pixels + twoRows, pixel, sink);
    }

    // Rows 1 and 3.
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void OddRows<T, TSink>(float* elements, nint pitch, float* pixels, nint twoRows, nint pixel, TSink sink)
        where T : struct, ILanes<T>
        where TSink : struct, IPixelSink<T>
    {
        var (a1, a3) = OddOf<T>(elements, 6 * pitch);
        var (b1, b3) = OddOf<T>(elements + pitch, 6 * pitch);
        var (c1, c3) = OddOf<T>(elements + 2 * pitch, 6 * pitch);
        var (d1, d3) = OddOf<T>(elements + 3 * pitch, 6 * pitch);
        var (e1, e3) = OddOf<T>(elements + 4 * pitch, 6 * pitch);
        var (f1, f3) = OddOf<T>(elements + 5 * pitch, 6 * pitch);
        PutRow(a1, b1, c1, d1, e1, f1, pixels, pixel, sink);
        PutRow(a3, b3, c3, d3, e3, f3, pixels + twoRows, pixel, sink);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (T, T) EvenOf<T>(float* first, nint step)
        where T : struct, ILanes<T>
        => EvenOf(T.Load(first), T.Load(first + step) + T.Load(first + 2 * step), T.Load(first + 3 * step) + T.Load(first + 4 * step));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (T, T) EvenOf<T>(T zero, T sumA, T sumB)
        where T : struct, ILanes<T>
        => (zero + sumA + sumB, T.MultiplyAdd(sumA, A2, sumB * B2));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (T, T) OddOf<T>(float* first, nint step)
        where T : struct, ILanes<T>
        => OddOf(T.Load(first + step) - T.Load(first + 2 * step), T.Load(first + 3 * step) - T.Load(first + 4 * step),
            T.Load(first + 5 * step));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (T, T) OddOf<T>(T differenceA, T differenceB, T infinity)
        where T : struct, ILanes<T>
        => (T.MultiplyAdd(differenceA, A, differenceB * B), T.MultiplyAdd(differenceA, A3, T.MultiplyAdd(differenceB, B3, infinity)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PutRow<T, TSink>(T a, T b, T c, T d, T e, T f, float* pixels, nint pixel, TSink sink)
        where T : struct, ILanes<T>
        where TSink : struct, IPixelSink<T>
    {
        var (p, r) = EvenOf(a, b + c, d + e);
        var (q, s) = OddOf(b - c, d - e, f);
        sink.Put(p, pixels);
        sink.Put(q, pixels + pixel);
        sink.Put(r, pixels + 2 * pixel);
        sink.Put(s, pixels + 3 * pixel);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void SpreadRow<T>(float* pixels, nint pixel, float* elements, nint pitch)
        where T : struct, ILanes<T>
        => StoreSpread(T.Load(pixels), T.Load(pixels + pixel), T.Load(pixels + 2 * pixel), T.Load(pixels + 3 * pixel), elements, pitch);

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void SpreadPairs<T>(float* pixels, nint row, nint pixel, float point, float square, float* elements, nint pitch)
        where T : struct, ILanes<T>
    {
        var (a0, a1) = SpreadPair<T>(pixels, row, point, square);
        var (b0, b1) = SpreadPair<T>(pixels + pixel, row, point, square);
        var (c0, c1) = SpreadPair<T>(pixels + 2 * pixel, row, point, square);
        var (d0, d1) = SpreadPair<T>(pixels + 3 * pixel, row, point, square);
        StoreSpread(a0, b0, c0, d0, elements, pitch);
        StoreSpread(a1, b1, c1, d1, elements + 6 * pitch, pitch);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreSpread<T>(T a, T b, T c, T d, float* first, nint step)
        where T : struct, ILanes<T>
    {
        T.Store(a, first);
        StorePair(SpreadPair(a, b, c, d, A, A2), first + step, step);
        StorePair(SpreadPair(a, b, c, d, B, B2), first + 3 * step, step);
        T.Store(d, first + 5 * step);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (T, T) SpreadPair<T>(float* first, nint step, float point, float square)
        where T : struct, ILanes<T>
        => SpreadPair(T.Load(first), T.Load(first + step), T.Load(first + 2 * step), T.Load(first + 3 * step), point, square);

    // Two rows of A: those of a point and of its negative.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (T, T) SpreadPair<T>(T a, T b, T c, T d, float point, float square)
        where T : struct, ILanes<T>
    {
        T even = T.MultiplyAdd(c, square, a), odd = T.MultiplyAdd(d, square, b);
        return (T.MultiplyAdd(odd, point, even), T.MultiplyAdd(odd, -point, even));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StorePair<T>((T First, T Second) pair, float* first, nint step)
        where T : struct, ILanes<T>
    {
        T.Store(pair.First, first);
        T.Store(pair.Second, first + step);
    }

    // G times three weights.
    private static void Spread(Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float>* first, int step)
    {
        Vector512<float> evenA = (a + c * A2) * OverA, oddA = b * (A * OverA), evenB = (a + c * B2) * OverB, oddB = b * (B * OverB);
        (first[0], first[step], first[2 * step], first[3 * step], first[4 * step], first[5 * step])
            = (a * OverZero, evenA + oddA, evenA - oddA, evenB + oddB, evenB - oddB, c);
    }

    // G^T times six elements.
    private static (Vector512<float>, Vector512<float>, Vector512<float>) Gathered(Vector512<float>* u)
    {
        Vector512<float> evenA = (u[1] + u[2]) * OverA, oddA = (u[1] - u[2]) * (A * OverA), evenB = (u[3] + u[4]) * OverB,
            oddB = (u[3] - u[4]) * (B * OverB);
        return (u[0] * OverZero + evenA + evenB, oddA + oddB, evenA * A2 + evenB * B2 + u[5]);
    }
}
