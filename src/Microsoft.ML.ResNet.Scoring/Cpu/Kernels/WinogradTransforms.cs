using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.ResNet.Cpu.Kernels;

/// <summary>
/// The transforms of Winograd's F(2x2, 3x3) (Lavin, Gray 2015, arXiv:1509.09308) for eight or sixteen channels at a time. A tile of 2x2
/// output pixels comes from 4x4 input pixels d and a 3x3 kernel g:
/// <code>
/// Y = A^T [(G g G^T) * (B^T d B)] A
///
///       1  0 -1  0          1    0    0            1  1  1  0
/// B^T = 0  1  1  0      G = 1/2  1/2  1/2    A^T = 0  1 -1 -1
///       0 -1  1  0          1/2 -1/2  1/2
///       0  1  0 -1          0    0    1
/// </code>
/// The product * is element by element, and sums over input channels: each of the sixteen elements is a 1x1 convolution of its own. So
/// 16 products give what would take 36. Elements lie at a fixed distance from each other. Each transform is linear; that of a gradient is
/// the transpose of the one that it goes back through.
/// </summary>
internal static unsafe class WinogradTransforms
{
    /// <summary>Elements of a transformed tile: 4 x 4.</summary>
    public const int Elements = 16;

    private const int FewestChannels = 16; // a vector
    private const int FewestPixels = 64; // 16 tiles; below, most of what a micro-kernel computes at once would be for nothing

    /// <summary>Whether F(2x2, 3x3) computes a convolution: 3x3, of stride 1, and of images that tiles of 2x2 pixels cover.</summary>
    public static bool Compute(ConvolutionShape shape)
        => shape.Size == 3 && shape.Stride == 1 && shape.Height % 2 == 0 && shape.Width % 2 == 0;

    /// <summary>Whether the products that are saved are worth the transforms.</summary>
    public static bool Pay(ConvolutionShape shape)
        => Compute(shape) && Math.Min(shape.Inputs, shape.Outputs) >= FewestChannels && (long)shape.Height * shape.Width >= FewestPixels;

    /// <summary>
    /// Floats from one element to the next that keep the elements of some tiles apart: one line more than the numbers take, because
    /// elements that lie powers of two apart would push one another out of the cache.
    /// </summary>
    /// <param name="tiles">How many tiles.</param>
    /// <param name="channels">Channels of each.</param>
    public static nint ElementPitch(int tiles, int channels) => checked((nint)tiles * channels + 16);

    /// <summary>Tiles of 4x4 input pixels to elements: <c>B^T d B</c>.</summary>
    /// <param name="pixels">The first of the pixels.</param>
    /// <param name="row">Floats from one row of pixels to the next.</param>
    /// <param name="pixel">Floats from one pixel to the next.</param>
    /// <param name="elements">Receives the first element.</param>
    /// <param name="elementPitch">Floats from one element to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Input(float* pixels, nint row, nint pixel, float* elements, nint elementPitch)
    {
        if (Vector512.IsHardwareAccelerated)
        {
            Input<SixteenLanes>(pixels, row, pixel, elements, elementPitch);
            return;
        }
        Input<EightLanes>(pixels, row, pixel, elements, elementPitch);
        Input<EightLanes>(pixels + 8, row, pixel, elements + 8, elementPitch);
    }

    /// <summary>Elements to 2x2 output pixels: <c>A^T m A</c>.</summary>
    /// <typeparam name="T">The vectors to compute with.</typeparam>
    /// <param name="elements">The first element.</param>
    /// <param name="elementPitch">Floats from one element to the next.</param>
    /// <returns>The pixels, row by row.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (T, T, T, T) Output<T>(float* elements, nint elementPitch)
        where T : struct, ILanes<T>
    {
        var (a0, a1) = Sums<T>(elements, 4 * elementPitch);
        var (b0, b1) = Sums<T>(elements + elementPitch, 4 * elementPitch);
        var (c0, c1) = Sums<T>(elements + 2 * elementPitch, 4 * elementPitch);
        var (d0, d1) = Sums<T>(elements + 3 * elementPitch, 4 * elementPitch);
        return (a0 + b0 + c0, b0 - c0 - d0, a1 + b1 + c1, b1 - c1 - d1);
    }

    /// <summary>The gradient of 2x2 pixels to that of the elements: <c>A y A^T</c>.</summary>
    /// <param name="pixels">The first of the pixels.</param>
    /// <param name="row">Floats from one row of pixels to the next.</param>
    /// <param name="pixel">Floats from one pixel to the next.</param>
    /// <param name="elements">Receives the first element.</param>
    /// <param name="elementPitch">Floats from one element to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void OutputGradient(float* pixels, nint row, nint pixel, float* elements, nint elementPitch)
    {
        if (Vector512.IsHardwareAccelerated)
        {
            OutputGradient<SixteenLanes>(pixels, row, pixel, elements, elementPitch);
            return;
        }
        OutputGradient<EightLanes>(pixels, row, pixel, elements, elementPitch);
        OutputGradient<EightLanes>(pixels + 8, row, pixel, elements + 8, elementPitch);
    }

    /// <summary>3x3 weights to elements: <c>G g G^T</c>.</summary>
    /// <param name="weights">The first weight.</param>
    /// <param name="weight">Floats from one weight to the next in its row; three times that to the next row.</param>
    /// <param name="elements">Receives the first element.</param>
    /// <param name="elementPitch">Floats from one element to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Weights(float* weights, nint weight, float* elements, nint elementPitch)
    {
        var rows = stackalloc Vector512<float>[4 * 3];
        for (var x = 0; x < 3; x++)
        {
            Vector512<float> a = Vector512.Load(weights + x * weight), b = Vector512.Load(weights + (3 + x) * weight),
                c = Vector512.Load(weights + (6 + x) * weight);
            (rows[x], rows[3 + x], rows[6 + x], rows[9 + x]) = (a, (a + b + c) * 0.5f, (a - b + c) * 0.5f, c);
        }
        for (var y = 0; y < 4; y++, rows += 3, elements += 4 * elementPitch)
        {
            rows[0].Store(elements);
            ((rows[0] + rows[1] + rows[2]) * 0.5f).Store(elements + elementPitch);
            ((rows[0] - rows[1] + rows[2]) * 0.5f).Store(elements + 2 * elementPitch);
            rows[2].Store(elements + 3 * elementPitch);
        }
    }

    /// <summary>
    /// The gradient of the elements to that of 3x3 weights: <c>G^T u G</c>. All elements are read before a weight is written.
    /// </summary>
    /// <param name="elements">The first element.</param>
    /// <param name="elementPitch">Floats from one element to the next.</param>
    /// <param name="weights">Receives the first weight.</param>
    /// <param name="weight">Floats from one weight to the next.</param>
    public static void WeightsGradient(float* elements, nint elementPitch, float* weights, nint weight)
    {
        var rows = stackalloc Vector512<float>[3 * 4];
        for (var x = 0; x < 4; x++)
        {
            Vector512<float> a = Vector512.Load(elements + x * elementPitch), b = Vector512.Load(elements + (4 + x) * elementPitch),
                c = Vector512.Load(elements + (8 + x) * elementPitch), d = Vector512.Load(elements + (12 + x) * elementPitch);
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
    private static void Input<T>(float* pixels, nint row, nint pixel, float* elements, nint elementPitch)
        where T : struct, ILanes<T>
    {
        var (a0, a1, a2, a3) = Differences<T>(pixels, row);
        var (b0, b1, b2, b3) = Differences<T>(pixels + pixel, row);
        var (c0, c1, c2, c3) = Differences<T>(pixels + 2 * pixel, row);
        var (d0, d1, d2, d3) = Differences<T>(pixels + 3 * pixel, row);
        StoreDifferences(a0, b0, c0, d0, elements, elementPitch);
        StoreDifferences(a1, b1, c1, d1, elements + 4 * elementPitch, elementPitch);
        StoreDifferences(a2, b2, c2, d2, elements + 8 * elementPitch, elementPitch);
        StoreDifferences(a3, b3, c3, d3, elements + 12 * elementPitch, elementPitch);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void OutputGradient<T>(float* pixels, nint row, nint pixel, float* elements, nint elementPitch)
        where T : struct, ILanes<T>
    {
        T p = T.Load(pixels), q = T.Load(pixels + pixel), r = T.Load(pixels + row), s = T.Load(pixels + row + pixel);
        StoreSpread(p, q, elements, elementPitch);
        StoreSpread(p + r, q + s, elements + 4 * elementPitch, elementPitch);
        StoreSpread(p - r, q - s, elements + 8 * elementPitch, elementPitch);
        StoreSpread(-r, -s, elements + 12 * elementPitch, elementPitch);
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
