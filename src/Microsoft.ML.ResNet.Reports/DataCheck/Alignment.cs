using System.Numerics.Tensors;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.ResNet.Reports.DataCheck;

/// <summary>
/// Lays small pictures over one of them, by the affine change (shift, zoom, turn, shear) that makes them agree best, and says how well
/// they agree then: two prints of the same shot, cropped, scaled, turned or recoloured, agree in their details; two shots do not.
/// </summary>
/// <remarks>
/// Inverse compositional alignment (Baker and Matthews, "Lucas-Kanade 20 Years On", 2004) of grey values, coarse to fine, which are
/// standardised over what both show, so that brightness and contrast do not count. Not thread-safe.
/// </remarks>
internal sealed class Alignment
{
    private const int Side = ImageLook.Side;
    private const int Parameters = 6;
    private const float Centre = (Side - 1) / 2f; // places are counted from the middle, in halves of the side
    private const float Half = Side / 2f;
    private const float LeastOverlap = 0.4f; // of the picture; less proves nothing
    private const float MostZoom = 2f;
    private static readonly (int Blur, int Iterations)[] Levels = [(2, 10), (1, 6), (0, 6)];

    private readonly Level[] _levels;
    private readonly float[] _detail;
    private readonly float[] _warped = new float[Side * Side], _mask = new float[Side * Side];

    /// <param name="pixels">The picture over which others are laid: three planes of <see cref="ImageLook.Side"/> squared.</param>
    public Alignment(ReadOnlySpan<byte> pixels)
    {
        var grey = ImageLook.Grey(pixels);
        _levels = [.. Levels.Select(level => new Level(Blur(grey, level.Blur), level.Iterations))];
        _detail = Detail(grey);
    }

    /// <summary>How well another picture agrees, laid over this one: the correlation of their details, at most 1.</summary>
    /// <param name="pixels">Three planes, as here.</param>
    public float Agreement(ReadOnlySpan<byte> pixels)
    {
        var other = ImageLook.Grey(pixels);
        var warp = Warp.None;
        foreach (var (level, (blur, _)) in _levels.Zip(Levels))
        {
            var blurred = Blur(other, blur);
            for (var iteration = 0; iteration < level.Iterations; iteration++)
                if (!level.TryImprove(ref warp, blurred, _warped, _mask))
                    return -1;
        }
        return warp.Zoom is > 1 / (MostZoom * MostZoom) and < MostZoom * MostZoom
            && warp.Sample(Detail(other), _warped, _mask) >= LeastOverlap * Side * Side
            ? Correlation(_detail, _warped, _mask)
            : -1;
    }

    /// <summary>What is left of a picture without its soft parts.</summary>
    private static float[] Detail(float[] grey)
    {
        var detail = Blur(grey, radius: 3);
        TensorPrimitives.Subtract(grey, detail, detail);
        return detail;
    }

    /// <summary>The mean of the square around each pixel; the border is repeated.</summary>
    private static float[] Blur(float[] grey, int radius)
    {
        if (radius == 0)
            return [.. grey];
        var (across, both) = (new float[grey.Length], new float[grey.Length]);
        Span<float> wide = stackalloc float[Side + 2 * radius];
        for (var y = 0; y < Side; y++)
        {
            var line = grey.AsSpan(y * Side, Side);
            var sum = across.AsSpan(y * Side, Side);
            wide[..radius].Fill(line[0]);
            line.CopyTo(wide[radius..]);
            wide[(radius + Side)..].Fill(line[^1]);
            for (var offset = 0; offset <= 2 * radius; offset++)
                TensorPrimitives.Add(sum, wide.Slice(offset, Side), sum);
        }
        for (var y = 0; y < Side; y++)
            for (var offset = -radius; offset <= radius; offset++)
                TensorPrimitives.Add(both.AsSpan(y * Side, Side), across.AsSpan(Math.Clamp(y + offset, 0, Side - 1) * Side, Side),
                    both.AsSpan(y * Side, Side));
        TensorPrimitives.Divide(both, (2 * radius + 1) * (2 * radius + 1), both);
        return both;
    }

    private static float Correlation(float[] one, float[] other, float[] mask)
    {
        var count = TensorPrimitives.Sum<float>(mask);
        var (mean, otherMean) = (TensorPrimitives.Dot<float>(one, mask) / count, TensorPrimitives.Dot<float>(other, mask) / count);
        var (product, square, otherSquare) = (0f, 0f, 0f);
        for (var i = 0; i < mask.Length; i++)
        {
            var (a, b) = ((one[i] - mean) * mask[i], (other[i] - otherMean) * mask[i]);
            (product, square, otherSquare) = (product + a * b, square + a * a, otherSquare + b * b);
        }
        return product / MathF.Sqrt(square * otherSquare + 1e-6f);
    }

    /// <summary>The picture at one sharpness, with what a small change of the warp does to it.</summary>
    private sealed class Level
    {
        private readonly float[] _grey;
        private readonly float[][] _change = [.. Enumerable.Range(0, Parameters).Select(_ => new float[Side * Side])];
        private readonly double[,] _inverse;

        public Level(float[] grey, int iterations)
        {
            (_grey, Iterations) = (grey, iterations);
            for (var y = 0; y < Side; y++)
                for (var x = 0; x < Side; x++)
                {
                    var right = (At(x + 1, y) - At(x - 1, y)) * (Half / 2);
                    var down = (At(x, y + 1) - At(x, y - 1)) * (Half / 2);
                    var (u, v) = ((x - Centre) / Half, (y - Centre) / Half);
                    var pixel = y * Side + x;
                    (_change[0][pixel], _change[1][pixel], _change[2][pixel]) = (right * u, right * v, right);
                    (_change[3][pixel], _change[4][pixel], _change[5][pixel]) = (down * u, down * v, down);
                }
            var normal = new double[Parameters, Parameters];
            for (var i = 0; i < Parameters; i++)
                for (var j = 0; j < Parameters; j++)
                    normal[i, j] = TensorPrimitives.Dot<float>(_change[i], _change[j]);
            var trace = Enumerable.Range(0, Parameters).Sum(i => normal[i, i]);
            for (var i = 0; i < Parameters; i++)
                normal[i, i] += 1e-3 * trace + 1; // a picture of one colour bends nothing
            _inverse = Invert(normal);

            float At(int x, int y) => grey[Math.Clamp(y, 0, Side - 1) * Side + Math.Clamp(x, 0, Side - 1)];
        }

        public int Iterations { get; }

        /// <summary>One step of Gauss and Newton.</summary>
        /// <returns>Whether the pictures still overlap.</returns>
        public bool TryImprove(ref Warp warp, float[] other, float[] warped, float[] mask)
        {
            var count = warp.Sample(other, warped, mask);
            if (count < LeastOverlap * Side * Side)
                return false;
            var (mean, otherMean) = (TensorPrimitives.Dot<float>(_grey, mask) / count, TensorPrimitives.Dot<float>(warped, mask) / count);
            var (square, otherSquare) = (1e-3f, 1e-3f);
            for (var i = 0; i < mask.Length; i++)
            {
                var (a, b) = ((_grey[i] - mean) * mask[i], (warped[i] - otherMean) * mask[i]);
                (square, otherSquare) = (square + a * a, otherSquare + b * b);
            }
            var gain = MathF.Sqrt(square / otherSquare);
            for (var i = 0; i < mask.Length; i += Vector256<float>.Count)
            {
                var (theirs, ours) = (Vector256.LoadUnsafe(ref warped[i]), Vector256.LoadUnsafe(ref _grey[i]));
                (((theirs - Vector256.Create(otherMean)) * gain - (ours - Vector256.Create(mean))) * Vector256.LoadUnsafe(ref mask[i]))
                    .CopyTo(warped, i);
            }
            Span<double> slope = stackalloc double[Parameters], step = stackalloc double[Parameters];
            for (var i = 0; i < Parameters; i++)
                slope[i] = TensorPrimitives.Dot<float>(_change[i], warped);
            for (var i = 0; i < Parameters; i++)
                for (var j = 0; j < Parameters; j++)
                    step[i] += _inverse[i, j] * slope[j];
            warp = warp.Without(step);
            return true;
        }

        /// <summary>Gauss and Jordan; the matrix is positive definite.</summary>
        private static double[,] Invert(double[,] matrix)
        {
            var inverse = new double[Parameters, Parameters];
            for (var i = 0; i < Parameters; i++)
                inverse[i, i] = 1;
            for (var pivot = 0; pivot < Parameters; pivot++)
            {
                var scale = 1 / matrix[pivot, pivot];
                for (var j = 0; j < Parameters; j++)
                    (matrix[pivot, j], inverse[pivot, j]) = (matrix[pivot, j] * scale, inverse[pivot, j] * scale);
                for (var row = 0; row < Parameters; row++)
                    if (row != pivot && matrix[row, pivot] is var factor)
                        for (var j = 0; j < Parameters; j++)
                        {
                            matrix[row, j] -= factor * matrix[pivot, j];
                            inverse[row, j] -= factor * inverse[pivot, j];
                        }
            }
            return inverse;
        }
    }

    /// <summary>Where the other picture's pixels come to lie: its place for a place (u, v) of this one.</summary>
    private readonly record struct Warp(double A, double B, double C, double D, double E, double F)
    {
        private static readonly double[] Us = [.. Enumerable.Range(0, Side).Select(x => (double)((x - Centre) / Half))];

        private const double MostStep = 0.15; // in halves of the side; a longer one leaves what the slope knows of

        public static Warp None { get; } = new(1, 0, 0, 0, 1, 0);

        /// <summary>How many times larger a piece of the other picture is, in area.</summary>
        public double Zoom => Math.Abs(A * E - B * D);

        /// <summary>Samples the other picture where this one's pixels are; 0 where it has none.</summary>
        /// <returns>How many pixels both have.</returns>
        public float Sample(float[] other, float[] warped, float[] mask)
        {
            var count = 0;
            Span<float> columns = stackalloc float[Side], rows = stackalloc float[Side];
            for (var y = 0; y < Side; y++)
            {
                var v = (y - Centre) / Half;
                Places(A, B * v, C, columns);
                Places(D, E * v, F, rows);
                for (var x = 0; x < Side; x++)
                {
                    var (column, row, pixel) = (columns[x], rows[x], y * Side + x);
                    if (!(column >= 0 && column <= Side - 1 && row >= 0 && row <= Side - 1))
                    {
                        (warped[pixel], mask[pixel]) = (0, 0);
                        continue;
                    }
                    var (left, top) = (Math.Min((int)column, Side - 2), Math.Min((int)row, Side - 2));
                    var (right, down, at) = (column - left, row - top, top * Side + left);
                    var upper = other[at] + (other[at + 1] - other[at]) * right;
                    var lower = other[at + Side] + (other[at + Side + 1] - other[at + Side]) * right;
                    (warped[pixel], mask[pixel]) = (upper + (lower - upper) * down, 1);
                    count++;
                }
            }
            return count;
        }

        // Of the pixels of a line, each at factor * u + across + shift.
        private static void Places(double factor, double across, double shift, Span<float> places)
        {
            for (var x = 0; x < Side; x += Vector256<float>.Count)
            {
                var low = Vector256.LoadUnsafe(ref Us[x]) * factor + Vector256.Create(across) + Vector256.Create(shift);
                var high = Vector256.LoadUnsafe(ref Us[x + Vector256<double>.Count]) * factor + Vector256.Create(across)
                    + Vector256.Create(shift);
                (Vector256.Narrow(low, high) * Half + Vector256.Create(Centre)).CopyTo(places[x..]);
            }
        }

        /// <summary>This warp after the inverse of a small one.</summary>
        public Warp Without(ReadOnlySpan<double> step)
        {
            var (a, b, c) = (1 + Limit(step[0]), Limit(step[1]), Limit(step[2]));
            var (d, e, f) = (Limit(step[3]), 1 + Limit(step[4]), Limit(step[5]));
            var determinant = a * e - b * d;
            var (ia, ib, id, ie) = (e / determinant, -b / determinant, -d / determinant, a / determinant);
            var (ic, jf) = (-(ia * c + ib * f), -(id * c + ie * f));
            return new(A * ia + B * id, A * ib + B * ie, A * ic + B * jf + C, D * ia + E * id, D * ib + E * ie, D * ic + E * jf + F);
        }

        private static double Limit(double step) => Math.Clamp(step, -MostStep, MostStep);
    }
}
