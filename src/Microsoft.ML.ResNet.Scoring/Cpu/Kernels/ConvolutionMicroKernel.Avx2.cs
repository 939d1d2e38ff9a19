using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.ResNet.Cpu.Kernels;

/// <content>
/// Tiles for vectors of 256 bits: 6 pixels x 16 channels. Of the 16 registers of AVX2 they take 12 for the sums, two for a row of B and one
/// for the float of A that meets both. What is left of a row is computed 3 pixels at a time.
/// </content>
internal readonly unsafe partial record struct ConvolutionMicroKernel
{
    private void RowsBy6x16(float* input, nint inputPitch, float* weights, float* output, nint outputPitch, nint outputStep, int height,
        int width, bool adds, float* tile)
    {
        for (var row = 0; row < height; row++, input += inputPitch, output += outputPitch)
            for (var pixel = 0; pixel < width; pixel += 6)
            {
                float* from = input + pixel * Step, to = output + pixel * outputStep;
                var left = width - pixel;
                if (left >= 6 && !adds)
                    Tile6x16(from, weights, to, outputStep);
                else
                {
                    if (left > 3)
                        Tile6x16(from, weights, tile, 16);
                    else
                        Tile3x16(from, weights, tile, 16);
                    Put(tile, to, outputStep, Math.Min(6, left), 1, adds);
                }
            }
    }

    // 6 pixels x 16 channels.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Tile6x16(float* input, float* weights, float* target, nint step)
    {
        Vector256<float> a0, a1, a2, a3, a4, a5, b0, b1, b2, b3, b4, b5;
        a0 = a1 = a2 = a3 = a4 = a5 = b0 = b1 = b2 = b3 = b4 = b5 = Vector256<float>.Zero;
        nint s1 = Step, s2 = 2 * s1;
        for (var row = 0; row < Rows; row++)
        {
            var x = input + row * RowPitch;
            var y = x + 3 * s1;
            for (var end = x + Run; x < end; x++, y++, weights += 16)
            {
                var (w, v) = (Vector256.Load(weights), Vector256.Load(weights + 8));
                var p = Vector256.Create(*x);
                (a0, b0) = (Vector256.FusedMultiplyAdd(p, w, a0), Vector256.FusedMultiplyAdd(p, v, b0));
                p = Vector256.Create(x[s1]);
                (a1, b1) = (Vector256.FusedMultiplyAdd(p, w, a1), Vector256.FusedMultiplyAdd(p, v, b1));
                p = Vector256.Create(x[s2]);
                (a2, b2) = (Vector256.FusedMultiplyAdd(p, w, a2), Vector256.FusedMultiplyAdd(p, v, b2));
                p = Vector256.Create(*y);
                (a3, b3) = (Vector256.FusedMultiplyAdd(p, w, a3), Vector256.FusedMultiplyAdd(p, v, b3));
                p = Vector256.Create(y[s1]);
                (a4, b4) = (Vector256.FusedMultiplyAdd(p, w, a4), Vector256.FusedMultiplyAdd(p, v, b4));
                p = Vector256.Create(y[s2]);
                (a5, b5) = (Vector256.FusedMultiplyAdd(p, w, a5), Vector256.FusedMultiplyAdd(p, v, b5));
            }
        }
        a0.Store(target);
        b0.Store(target + 8);
        a1.Store(target + step);
        b1.Store(target + step + 8);
        a2.Store(target + 2 * step);
        b2.Store(target + 2 * step + 8);
        a3.Store(target + 3 * step);
        b3.Store(target + 3 * step + 8);
        a4.Store(target + 4 * step);
        b4.Store(target + 4 * step + 8);
        a5.Store(target + 5 * step);
        b5.Store(target + 5 * step + 8);
    }

    // 3 pixels x 16 channels.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Tile3x16(float* input, float* weights, float* target, nint step)
    {
        Vector256<float> a0, a1, a2, b0, b1, b2;
        a0 = a1 = a2 = b0 = b1 = b2 = Vector256<float>.Zero;
        nint s1 = Step, s2 = 2 * s1;
        for (var row = 0; row < Rows; row++)
        {
            var x = input + row * RowPitch;
            for (var end = x + Run; x < end; x++, weights += 16)
            {
                var (w, v) = (Vector256.Load(weights), Vector256.Load(weights + 8));
                var p = Vector256.Create(*x);
                (a0, b0) = (Vector256.FusedMultiplyAdd(p, w, a0), Vector256.FusedMultiplyAdd(p, v, b0));
                p = Vector256.Create(x[s1]);
                (a1, b1) = (Vector256.FusedMultiplyAdd(p, w, a1), Vector256.FusedMultiplyAdd(p, v, b1));
                p = Vector256.Create(x[s2]);
                (a2, b2) = (Vector256.FusedMultiplyAdd(p, w, a2), Vector256.FusedMultiplyAdd(p, v, b2));
            }
        }
        a0.Store(target);
        b0.Store(target + 8);
        a1.Store(target + step);
        b1.Store(target + step + 8);
        a2.Store(target + 2 * step);
        b2.Store(target + 2 * step + 8);
    }
}
