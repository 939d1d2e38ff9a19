using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.ResNet.Cpu.Kernels;

/// <summary>
/// The sums and differences of Winograd's F(2x2, 3x3) (Lavin, Gray 2015, arXiv:1509.09308) for sixteen channels at a time: between pixels
/// or weights and the sixteen places of a window, which lie at a fixed distance from each other. Each is linear; that of the gradient is
/// the transpose of the one it goes back through.
/// </summary>
internal static unsafe class WinogradTransforms
{
    /// <summary>Places of a window: 4 x 4.</summary>
    public const int Places = 16;

    /// <summary>
    /// Floats from one place to the next that keep a panel of windows apart: one line more than the numbers take, because places that lie
    /// powers of two apart would push one another out of the cache.
    /// </summary>
    /// <param name="windows">Windows of the panel.</param>
    /// <param name="channels">Channels of each.</param>
    public static int PlaceLength(int windows, int channels) => windows * channels + 16;

    /// <summary>Windows of 4x4 pixels to places: <c>B^T d B</c>.</summary>
    /// <param name="window">The first of the pixels.</param>
    /// <param name="row">Floats from one row of pixels to the next.</param>
    /// <param name="pixel">Floats from one pixel to the next.</param>
    /// <param name="places">Receives the first place.</param>
    /// <param name="place">Floats from one place to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Input(float* window, nint row, nint pixel, float* places, nint place)
    {
        var (a0, a1, a2, a3) = Differences(window, row);
        var (b0, b1, b2, b3) = Differences(window + pixel, row);
        var (c0, c1, c2, c3) = Differences(window + 2 * pixel, row);
        var (d0, d1, d2, d3) = Differences(window + 3 * pixel, row);
        StoreDifferences(a0, b0, c0, d0, places, place);
        StoreDifferences(a1, b1, c1, d1, places + 4 * place, place);
        StoreDifferences(a2, b2, c2, d2, places + 8 * place, place);
        StoreDifferences(a3, b3, c3, d3, places + 12 * place, place);
    }

    /// <summary>Places to 2x2 pixels: <c>A^T m A</c>.</summary>
    /// <param name="places">The first place.</param>
    /// <param name="place">Floats from one place to the next.</param>
    /// <returns>The pixels, row by row.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float>, Vector512<float>, Vector512<float>, Vector512<float>) Output(float* places, nint place)
    {
        var (a0, a1) = Sums(places, 4 * place);
        var (b0, b1) = Sums(places + place, 4 * place);
        var (c0, c1) = Sums(places + 2 * place, 4 * place);
        var (d0, d1) = Sums(places + 3 * place, 4 * place);
        return (a0 + b0 + c0, b0 - c0 - d0, a1 + b1 + c1, b1 - c1 - d1);
    }

    /// <summary>The gradient of 2x2 pixels to that of the places: <c>A g A^T</c>.</summary>
    /// <param name="pixels">The first of the pixels.</param>
    /// <param name="row">Floats from one row of pixels to the next.</param>
    /// <param name="pixel">Floats from one pixel to the next.</param>
    /// <param name="places">Receives the first place.</param>
    /// <param name="place">Floats from one place to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void OutputGradient(float* pixels, nint row, nint pixel, float* places, nint place)
    {
        Vector512<float> p = Vector512.Load(pixels), q = Vector512.Load(pixels + pixel), r = Vector512.Load(pixels + row),
            s = Vector512.Load(pixels + row + pixel);
        StoreSpread(p, q, places, place);
        StoreSpread(p + r, q + s, places + 4 * place, place);
        StoreSpread(p - r, q - s, places + 8 * place, place);
        StoreSpread(-r, -s, places + 12 * place, place);
    }

    /// <summary>3x3 weights to places: <c>G g G^T</c>.</summary>
    /// <param name="weights">The first weight.</param>
    /// <param name="weight">Floats from one weight to the next in its row; three times that to the next row.</param>
    /// <param name="places">Receives the first place.</param>
    /// <param name="place">Floats from one place to the next.</param>
    public static void Weights(float* weights, nint weight, float* places, nint place)
    {
        var rows = stackalloc Vector512<float>[4 * 3];
        for (var x = 0; x < 3; x++)
        {
            Vector512<float> a = Vector512.Load(weights + x * weight), b = Vector512.Load(weights + (3 + x) * weight),
                c = Vector512.Load(weights + (6 + x) * weight);
            (rows[x], rows[3 + x], rows[6 + x], rows[9 + x]) = (a, (a + b + c) * 0.5f, (a - b + c) * 0.5f, c);
        }
        for (var y = 0; y < 4; y++, rows += 3, places += 4 * place)
        {
            rows[0].Store(places);
            ((rows[0] + rows[1] + rows[2]) * 0.5f).Store(places + place);
            ((rows[0] - rows[1] + rows[2]) * 0.5f).Store(places + 2 * place);
            rows[2].Store(places + 3 * place);
        }
    }

    /// <summary>
    /// The gradient of the places to that of 3x3 weights: <c>G^T u G</c>. All places are read before a weight is written.
    /// </summary>
    /// <param name="places">The first place.</param>
    /// <param name="place">Floats from one place to the next.</param>
    /// <param name="weights">Receives the first weight.</param>
    /// <param name="weight">Floats from one weight to the next.</param>
    public static void WeightsGradient(float* places, nint place, float* weights, nint weight)
    {
        var rows = stackalloc Vector512<float>[3 * 4];
        for (var x = 0; x < 4; x++)
        {
            Vector512<float> a = Vector512.Load(places + x * place), b = Vector512.Load(places + (4 + x) * place),
                c = Vector512.Load(places + (8 + x) * place), d = Vector512.Load(places + (12 + x) * place);
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
    private static (Vector512<float>, Vector512<float>, Vector512<float>, Vector512<float>) Differences(float* first, nint step)
    {
        Vector512<float> a = Vector512.Load(first), b = Vector512.Load(first + step), c = Vector512.Load(first + 2 * step),
            d = Vector512.Load(first + 3 * step);
        return (a - c, b + c, c - b, b - d);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreDifferences(Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d,
        float* first, nint step)
    {
        (a - c).Store(first);
        (b + c).Store(first + step);
        (c - b).Store(first + 2 * step);
        (b - d).Store(first + 3 * step);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<float>, Vector512<float>) Sums(float* first, nint step)
    {
        Vector512<float> b = Vector512.Load(first + step), c = Vector512.Load(first + 2 * step);
        return (Vector512.Load(first) + b + c, b - c - Vector512.Load(first + 3 * step));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreSpread(Vector512<float> a, Vector512<float> b, float* first, nint step)
    {
        a.Store(first);
        (a + b).Store(first + step);
        (a - b).Store(first + 2 * step);
        (-b).Store(first + 3 * step);
    }
}
