using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Microsoft.ML.ResNet.Cpu.Kernels;

/// <summary>Rows of numbers to columns, four by four in vectors.</summary>
internal static unsafe class Transpose
{
    private const int Size = 4;

    /// <summary>Turns a matrix.</summary>
    /// <param name="from">The first row; the numbers of a row lie side by side.</param>
    /// <param name="row">Floats from one row to the next.</param>
    /// <param name="rows">How many rows.</param>
    /// <param name="columns">How many columns.</param>
    /// <param name="to">Receives the first column; the numbers of a column lie side by side.</param>
    /// <param name="column">Floats from one column to the next.</param>
    /// <param name="adds">Whether to add to what is there.</param>
    public static void Matrix(float* from, nint row, int rows, int columns, float* to, nint column, bool adds)
    {
        // A line of the cache of each row is used up before the next is read.
        const int Line = 16;
        for (var first = 0; first < columns; first += Line)
            for (var y = 0; y < rows; y += Size)
                for (var x = first; x < Math.Min(first + Line, columns); x += Size)
                    if (rows - y >= Size && columns - x >= Size)
                        Square(from + y * row + x, row, to + x * column + y, column, adds);
                    else
                        Rest(from + y * row + x, row, Math.Min(Size, rows - y), Math.Min(Size, columns - x), to + x * column + y, column,
                            adds);
    }

    /// <summary>Turns four rows into four columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector128<float>, Vector128<float>, Vector128<float>, Vector128<float>) Square(Vector128<float> a, Vector128<float> b,
        Vector128<float> c, Vector128<float> d)
    {
        Vector128<float> ac0 = ZipLow(a, c), ac1 = ZipHigh(a, c), bd0 = ZipLow(b, d), bd1 = ZipHigh(b, d);
        return (ZipLow(ac0, bd0), ZipHigh(ac0, bd0), ZipLow(ac1, bd1), ZipHigh(ac1, bd1));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Square(float* from, nint row, float* to, nint column, bool adds)
    {
        var (a, b, c, d) = Square(Vector128.Load(from), Vector128.Load(from + row), Vector128.Load(from + 2 * row),
            Vector128.Load(from + 3 * row));
        if (adds)
            (a, b, c, d) = (Vector128.Load(to) + a, Vector128.Load(to + column) + b, Vector128.Load(to + 2 * column) + c,
                Vector128.Load(to + 3 * column) + d);
        a.Store(to);
        b.Store(to + column);
        c.Store(to + 2 * column);
        d.Store(to + 3 * column);
    }

    private static void Rest(float* from, nint row, int rows, int columns, float* to, nint column, bool adds)
    {
        for (var y = 0; y < rows; y++)
            for (var x = 0; x < columns; x++)
                to[x * column + y] = adds ? to[x * column + y] + from[y * row + x] : from[y * row + x];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> ZipLow(Vector128<float> a, Vector128<float> b)
        => Sse.IsSupported ? Sse.UnpackLow(a, b)
            : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipLow(a, b)
            : Vector128.Create(a[0], b[0], a[1], b[1]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> ZipHigh(Vector128<float> a, Vector128<float> b)
        => Sse.IsSupported ? Sse.UnpackHigh(a, b)
            : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipHigh(a, b)
            : Vector128.Create(a[2], b[2], a[3], b[3]);
}
