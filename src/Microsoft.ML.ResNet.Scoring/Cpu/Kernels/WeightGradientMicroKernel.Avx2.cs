using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.ResNet.Cpu.Kernels;

/// <content>
/// Tiles for vectors of 256 bits: 6 inputs x 16 channels, and 4 where six do not fit. Of the 16 registers of AVX2 the former take 12 for
/// the sums, which stay there over a few rows and are then added to those of before, two for a pixel of G and one for the float of A that
/// meets both.
/// </content>
internal readonly unsafe partial record struct WeightGradientMicroKernel
{
    // 6 inputs x 16 channels.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Tile6x16(float* input, float* gradient, Images images, float* sums)
    {
        Vector256<float> a0, a1, a2, a3, a4, a5, b0, b1, b2, b3, b4, b5;
        a0 = a1 = a2 = a3 = a4 = a5 = b0 = b1 = b2 = b3 = b4 = b5 = Vector256<float>.Zero;
        nint step = InputStep, next = GradientStep;
        for (int line = 0, lines = checked(images.Count * images.Rows); line < lines; line++)
        {
            var (image, row) = Math.DivRem(line, images.Rows);
            var x = input + image * images.InputLength + row * InputPitch;
            var g = gradient + image * images.GradientLength + row * GradientPitch;
            for (var end = g + Width * next; g < end; g += next, x += step)
            {
                var (w, v) = (Vector256.Load(g), Vector256.Load(g + 8));
                var p = Vector256.Create(x[0]);
                a0 = Vector256.FusedMultiplyAdd(p, w, a0);
                b0 = Vector256.FusedMultiplyAdd(p, v, b0);
                p = Vector256.Create(x[1]);
                a1 = Vector256.FusedMultiplyAdd(p, w, a1);
                b1 = Vector256.FusedMultiplyAdd(p, v, b1);
                p = Vector256.Create(x[2]);
                a2 = Vector256.FusedMultiplyAdd(p, w, a2);
                b2 = Vector256.FusedMultiplyAdd(p, v, b2);
                p = Vector256.Create(x[3]);
                a3 = Vector256.FusedMultiplyAdd(p, w, a3);
                b3 = Vector256.FusedMultiplyAdd(p, v, b3);
                p = Vector256.Create(x[4]);
                a4 = Vector256.FusedMultiplyAdd(p, w, a4);
                b4 = Vector256.FusedMultiplyAdd(p, v, b4);
                p = Vector256.Create(x[5]);
                a5 = Vector256.FusedMultiplyAdd(p, w, a5);
                b5 = Vector256.FusedMultiplyAdd(p, v, b5);
            }
        }
        (a0 + Vector256.Load(sums)).Store(sums);
        (b0 + Vector256.Load(sums + 8)).Store(sums + 8);
        (a1 + Vector256.Load(sums + 16)).Store(sums + 16);
        (b1 + Vector256.Load(sums + 24)).Store(sums + 24);
        (a2 + Vector256.Load(sums + 32)).Store(sums + 32);
        (b2 + Vector256.Load(sums + 40)).Store(sums + 40);
        (a3 + Vector256.Load(sums + 48)).Store(sums + 48);
        (b3 + Vector256.Load(sums + 56)).Store(sums + 56);
        (a4 + Vector256.Load(sums + 64)).Store(sums + 64);
        (b4 + Vector256.Load(sums + 72)).Store(sums + 72);
        (a5 + Vector256.Load(sums + 80)).Store(sums + 80);
        (b5 + Vector256.Load(sums + 88)).Store(sums + 88);
    }

    // 4 inputs x 16 channels.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Tile4x16(float* input, float* gradient, Images images, float* sums)
    {
        Vector256<float> a0, a1, a2, a3, b0, b1, b2, b3;
        a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = Vector256<float>.Zero;
        nint step = InputStep, next = GradientStep;
        for (int line = 0, lines = checked(images.Count * images.Rows); line < lines; line++)
        {
            var (image, row) = Math.DivRem(line, images.Rows);
            var x = input + image * images.InputLength + row * InputPitch;
            var g = gradient + image * images.GradientLength + row * GradientPitch;
            for (var end = g + Width * next; g < end; g += next, x += step)
            {
                var (w, v) = (Vector256.Load(g), Vector256.Load(g + 8));
                var p = Vector256.Create(x[0]);
                a0 = Vector256.FusedMultiplyAdd(p, w, a0);
                b0 = Vector256.FusedMultiplyAdd(p, v, b0);
                p = Vector256.Create(x[1]);
                a1 = Vector256.FusedMultiplyAdd(p, w, a1);
                b1 = Vector256.FusedMultiplyAdd(p, v, b1);
                p = Vector256.Create(x[2]);
                a2 = Vector256.FusedMultiplyAdd(p, w, a2);
                b2 = Vector256.FusedMultiplyAdd(p, v, b2);
                p = Vector256.Create(x[3]);
                a3 = Vector256.FusedMultiplyAdd(p, w, a3);
                b3 = Vector256.FusedMultiplyAdd(p, v, b3);
            }
        }
        (a0 + Vector256.Load(sums)).Store(sums);
        (b0 + Vector256.Load(sums + 8)).Store(sums + 8);
        (a1 + Vector256.Load(sums + 16)).Store(sums + 16);
        (b1 + Vector256.Load(sums + 24)).Store(sums + 24);
        (a2 + Vector256.Load(sums + 32)).Store(sums + 32);
        (b2 + Vector256.Load(sums + 40)).Store(sums + 40);
        (a3 + Vector256.Load(sums + 48)).Store(sums + 48);
        (b3 + Vector256.Load(sums + 56)).Store(sums + 56);
    }
}
