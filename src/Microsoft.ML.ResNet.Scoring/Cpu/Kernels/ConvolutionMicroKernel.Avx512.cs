using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.ResNet.Cpu.Kernels;

/// <content>
/// Tiles for vectors of 512 bits, in pixels x channels: 8 x 32, or 16 x 16 where the last block has 16 channels. Of the 32 registers of
/// AVX-512 either takes 16 for the sums. 8 x 32 takes two for a row of B and one for the float of A that meets both; 16 x 16 takes one for
/// the row of B, and A is the multiplication's own broadcast operand.
/// </content>
internal readonly unsafe partial record struct ConvolutionMicroKernel
{
    private void RowsBy8x32(float* input, nint inputPitch, float* weights, float* output, nint outputPitch, nint outputStep, int height,
        int width, bool adds, float* tile)
    {
        for (var row = 0; row < height; row++, input += inputPitch, output += outputPitch)
            for (var pixel = 0; pixel < width; pixel += 8)
                if (width - pixel >= 8)
                    Tile8x32(input + pixel * Step, 4 * Step, weights, output + pixel * outputStep, outputStep, 4 * outputStep, adds);
                else
                {
                    if (adds)
                        Copy(output + pixel * outputStep, outputStep, tile, 32, width - pixel, 2);
                    Tile8x32(input + pixel * Step, 4 * Step, weights, tile, 32, 4 * 32, adds);
                    Copy(tile, 32, output + pixel * outputStep, outputStep, width - pixel, 2);
                }
    }

    // Narrow images: half a tile in each of two rows.
    private void PairsOfRows(float* input, nint inputPitch, float* weights, float* output, nint outputPitch, nint outputStep, int height,
        int width, bool adds, float* tile)
    {
        for (var row = 0; row < height; row += 2, input += 2 * inputPitch, output += 2 * outputPitch)
            if (width == 4 && row + 1 < height)
                Tile8x32(input, inputPitch, weights, output, outputStep, outputPitch, adds);
            else
            {
                if (adds)
                    Copy(output, outputStep, tile, 32, width, 2);
                if (adds && row + 1 < height)
                    Copy(output + outputPitch, outputStep, tile + 4 * 32, 32, width, 2);
                Tile8x32(input, row + 1 < height ? inputPitch : 0, weights, tile, 32, 4 * 32, adds);
                Copy(tile, 32, output, outputStep, width, 2);
                if (row + 1 < height)
                    Copy(tile + 4 * 32, 32, output + outputPitch, outputStep, width, 2);
            }
    }

    private void RowsBy16x16(float* input, nint inputPitch, float* weights, float* output, nint outputPitch, nint outputStep, int height,
        int width, bool adds, float* tile)
    {
        for (var row = 0; row < height; row++, input += inputPitch, output += outputPitch)
            for (var pixel = 0; pixel < width; pixel += 16)
                if (width - pixel >= 16)
                    Tile16x16(input + pixel * Step, weights, output + pixel * outputStep, outputStep, adds);
                else
                {
                    if (adds)
                        Copy(output + pixel * outputStep, outputStep, tile, 16, width - pixel, 1);
                    Tile16x16(input + pixel * Step, weights, tile, 16, adds);
                    Copy(tile, 16, output + pixel * outputStep, outputStep, width - pixel, 1);
                }
    }

    // 16 pixels x 16 channels.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Tile16x16(float* input, float* weights, float* target, nint step, bool adds)
    {
        Vector512<float> a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, aA, aB, aC, aD, aE, aF;
        a0 = a1 = a2 = a3 = a4 = a5 = a6 = a7 = a8 = a9 = aA = aB = aC = aD = aE = aF = Vector512<float>.Zero;
        if (adds)
        {
            a0 = Vector512.Load(target);
            a1 = Vector512.Load(target + step);
            a2 = Vector512.Load(target + 2 * step);
            a3 = Vector512.Load(target + 3 * step);
            a4 = Vector512.Load(target + 4 * step);
            a5 = Vector512.Load(target + 5 * step);
            a6 = Vector512.Load(target + 6 * step);
            a7 = Vector512.Load(target + 7 * step);
            a8 = Vector512.Load(target + 8 * step);
            a9 = Vector512.Load(target + 9 * step);
            aA = Vector512.Load(target + 10 * step);
            aB = Vector512.Load(target + 11 * step);
            aC = Vector512.Load(target + 12 * step);
            aD = Vector512.Load(target + 13 * step);
            aE = Vector512.Load(target + 14 * step);
            aF = Vector512.Load(target + 15 * step);
        }
        nint s1 = Step, s2 = 2 * s1, s3 = 3 * s1;
        for (var row = 0; row < Rows; row++)
        {
            var x = input + row * RowPitch;
            var y = x + 4 * s1;
            var z = y + 4 * s1;
            var u = z + 4 * s1;
            for (var end = x + Run; x < end; x++, y++, z++, u++, weights += 16)
            {
                var w = Vector512.Load(weights);
                a0 = Vector512.FusedMultiplyAdd(Vector512.Create(*x), w, a0);
                a1 = Vector512.FusedMultiplyAdd(Vector512.Create(x[s1]), w, a1);
                a2 = Vector512.FusedMultiplyAdd(Vector512.Create(x[s2]), w, a2);
                a3 = Vector512.FusedMultiplyAdd(Vector512.Create(x[s3]), w, a3);
                a4 = Vector512.FusedMultiplyAdd(Vector512.Create(*y), w, a4);
                a5 = Vector512.FusedMultiplyAdd(Vector512.Create(y[s1]), w, a5);
                a6 = Vector512.FusedMultiplyAdd(Vector512.Create(y[s2]), w, a6);
                a7 = Vector512.FusedMultiplyAdd(Vector512.Create(y[s3]), w, a7);
                a8 = Vector512.FusedMultiplyAdd(Vector512.Create(*z), w, a8);
                a9 = Vector512.FusedMultiplyAdd(Vector512.Create(z[s1]), w, a9);
                aA = Vector512.FusedMultiplyAdd(Vector512.Create(z[s2]), w, aA);
                aB = Vector512.FusedMultiplyAdd(Vector512.Create(z[s3]), w, aB);
                aC = Vector512.FusedMultiplyAdd(Vector512.Create(*u), w, aC);
                aD = Vector512.FusedMultiplyAdd(Vector512.Create(u[s1]), w, aD);
                aE = Vector512.FusedMultiplyAdd(Vector512.Create(u[s2]), w, aE);
                aF = Vector512.FusedMultiplyAdd(Vector512.Create(u[s3]), w, aF);
            }
        }
        a0.Store(target);
        a1.Store(target + step);
        a2.Store(target + 2 * step);
        a3.Store(target + 3 * step);
        a4.Store(target + 4 * step);
        a5.Store(target + 5 * step);
        a6.Store(target + 6 * step);
        a7.Store(target + 7 * step);
        a8.Store(target + 8 * step);
        a9.Store(target + 9 * step);
        aA.Store(target + 10 * step);
        aB.Store(target + 11 * step);
        aC.Store(target + 12 * step);
        aD.Store(target + 13 * step);
        aE.Store(target + 14 * step);
        aF.Store(target + 15 * step);
    }

    // 8 pixels, of which the second four lie somewhere else, x 32 channels.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Tile8x32(float* input, nint toSecondFour, float* weights, float* target, nint step, nint toSecondTarget, bool adds)
    {
        Vector512<float> a0, a1, a2, a3, a4, a5, a6, a7, b0, b1, b2, b3, b4, b5, b6, b7;
        a0 = a1 = a2 = a3 = a4 = a5 = a6 = a7 = b0 = b1 = b2 = b3 = b4 = b5 = b6 = b7 = Vector512<float>.Zero;
        var second = target + toSecondTarget;
        if (adds)
        {
            (a0, b0) = (Vector512.Load(target), Vector512.Load(target + 16));
            (a1, b1) = (Vector512.Load(target + step), Vector512.Load(target + step + 16));
            (a2, b2) = (Vector512.Load(target + 2 * step), Vector512.Load(target + 2 * step + 16));
            (a3, b3) = (Vector512.Load(target + 3 * step), Vector512.Load(target + 3 * step + 16));
            (a4, b4) = (Vector512.Load(second), Vector512.Load(second + 16));
            (a5, b5) = (Vector512.Load(second + step), Vector512.Load(second + step + 16));
            (a6, b6) = (Vector512.Load(second + 2 * step), Vector512.Load(second + 2 * step + 16));
            (a7, b7) = (Vector512.Load(second + 3 * step), Vector512.Load(second + 3 * step + 16));
        }
        nint s1 = Step, s2 = 2 * s1, s3 = 3 * s1;
        for (var row = 0; row < Rows; row++)
        {
            var x = input + row * RowPitch;
            var y = x + toSecondFour;
            for (var end = x + Run; x < end; x++, y++, weights += 32)
            {
                var (w, v) = (Vector512.Load(weights), Vector512.Load(weights + 16));
                var p = Vector512.Create(*x);
                (a0, b0) = (Vector512.FusedMultiplyAdd(p, w, a0), Vector512.FusedMultiplyAdd(p, v, b0));
                p = Vector512.Create(x[s1]);
                (a1, b1) = (Vector512.FusedMultiplyAdd(p, w, a1), Vector512.FusedMultiplyAdd(p, v, b1));
                p = Vector512.Create(x[s2]);
                (a2, b2) = (Vector512.FusedMultiplyAdd(p, w, a2), Vector512.FusedMultiplyAdd(p, v, b2));
                p = Vector512.Create(x[s3]);
                (a3, b3) = (Vector512.FusedMultiplyAdd(p, w, a3), Vector512.FusedMultiplyAdd(p, v, b3));
                p = Vector512.Create(*y);
                (a4, b4) = (Vector512.FusedMultiplyAdd(p, w, a4), Vector512.FusedMultiplyAdd(p, v, b4));
                p = Vector512.Create(y[s1]);
                (a5, b5) = (Vector512.FusedMultiplyAdd(p, w, a5), Vector512.FusedMultiplyAdd(p, v, b5));
                p = Vector512.Create(y[s2]);
                (a6, b6) = (Vector512.FusedMultiplyAdd(p, w, a6), Vector512.FusedMultiplyAdd(p, v, b6));
                p = Vector512.Create(y[s3]);
                (a7, b7) = (Vector512.FusedMultiplyAdd(p, w, a7), Vector512.FusedMultiplyAdd(p, v, b7));
            }
        }
        a0.Store(target);
        b0.Store(target + 16);
        a1.Store(target + step);
        b1.Store(target + step + 16);
        a2.Store(target + 2 * step);
        b2.Store(target + 2 * step + 16);
        a3.Store(target + 3 * step);
        b3.Store(target + 3 * step + 16);
        a4.Store(second);
        b4.Store(second + 16);
        a5.Store(second + step);
        b5.Store(second + step + 16);
        a6.Store(second + 2 * step);
        b6.Store(second + 2 * step + 16);
        a7.Store(second + 3 * step);
        b7.Store(second + 3 * step + 16);
    }
}
