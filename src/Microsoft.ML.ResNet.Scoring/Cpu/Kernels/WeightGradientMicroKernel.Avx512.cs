using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.ResNet.Cpu.Kernels;

/// <content>
/// Tiles for vectors of 512 bits, in inputs x channels: 8 x 32, or 16 x 16 where the last block has 16 channels. Of the 32 registers of
/// AVX-512 either takes 16 for the sums, which stay there over a few rows. 8 x 32 takes two for a pixel of G and one for the float of A
/// that meets both; 16 x 16 takes one for the pixel of G, and A is the multiplication's own broadcast operand.
/// </content>
internal readonly unsafe partial record struct WeightGradientMicroKernel
{
    // 16 inputs x 16 channels.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Tile16x16(float* input, float* gradient, Images images, float* sums)
    {
        Vector512<float> a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, aA, aB, aC, aD, aE, aF;
        a0 = Vector512.Load(sums);
        a1 = Vector512.Load(sums + 16);
        a2 = Vector512.Load(sums + 32);
        a3 = Vector512.Load(sums + 48);
        a4 = Vector512.Load(sums + 64);
        a5 = Vector512.Load(sums + 80);
        a6 = Vector512.Load(sums + 96);
        a7 = Vector512.Load(sums + 112);
        a8 = Vector512.Load(sums + 128);
        a9 = Vector512.Load(sums + 144);
        aA = Vector512.Load(sums + 160);
        aB = Vector512.Load(sums + 176);
        aC = Vector512.Load(sums + 192);
        aD = Vector512.Load(sums + 208);
        aE = Vector512.Load(sums + 224);
        aF = Vector512.Load(sums + 240);
        nint step = InputStep, next = GradientStep;
        for (int line = 0, lines = checked(images.Count * images.Rows); line < lines; line++)
        {
            var (image, row) = Math.DivRem(line, images.Rows);
            var x = input + image * images.InputLength + row * InputPitch;
            var g = gradient + image * images.GradientLength + row * GradientPitch;
            for (var end = g + Width * next; g < end; g += next, x += step)
            {
                var w = Vector512.Load(g);
                a0 = Vector512.FusedMultiplyAdd(Vector512.Create(x[0]), w, a0);
                a1 = Vector512.FusedMultiplyAdd(Vector512.Create(x[1]), w, a1);
                a2 = Vector512.FusedMultiplyAdd(Vector512.Create(x[2]), w, a2);
                a3 = Vector512.FusedMultiplyAdd(Vector512.Create(x[3]), w, a3);
                a4 = Vector512.FusedMultiplyAdd(Vector512.Create(x[4]), w, a4);
                a5 = Vector512.FusedMultiplyAdd(Vector512.Create(x[5]), w, a5);
                a6 = Vector512.FusedMultiplyAdd(Vector512.Create(x[6]), w, a6);
                a7 = Vector512.FusedMultiplyAdd(Vector512.Create(x[7]), w, a7);
                a8 = Vector512.FusedMultiplyAdd(Vector512.Create(x[8]), w, a8);
                a9 = Vector512.FusedMultiplyAdd(Vector512.Create(x[9]), w, a9);
                aA = Vector512.FusedMultiplyAdd(Vector512.Create(x[10]), w, aA);
                aB = Vector512.FusedMultiplyAdd(Vector512.Create(x[11]), w, aB);
                aC = Vector512.FusedMultiplyAdd(Vector512.Create(x[12]), w, aC);
                aD = Vector512.FusedMultiplyAdd(Vector512.Create(x[13]), w, aD);
                aE = Vector512.FusedMultiplyAdd(Vector512.Create(x[14]), w, aE);
                aF = Vector512.FusedMultiplyAdd(Vector512.Create(x[15]), w, aF);
            }
        }
        a0.Store(sums);
        a1.Store(sums + 16);
        a2.Store(sums + 32);
        a3.Store(sums + 48);
        a4.Store(sums + 64);
        a5.Store(sums + 80);
        a6.Store(sums + 96);
        a7.Store(sums + 112);
        a8.Store(sums + 128);
        a9.Store(sums + 144);
        aA.Store(sums + 160);
        aB.Store(sums + 176);
        aC.Store(sums + 192);
        aD.Store(sums + 208);
        aE.Store(sums + 224);
        aF.Store(sums + 240);
    }

    // 8 inputs x 32 channels.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Tile8x32(float* input, float* gradient, Images images, float* sums)
    {
        Vector512<float> a0, a1, a2, a3, a4, a5, a6, a7, b0, b1, b2, b3, b4, b5, b6, b7;
        a0 = Vector512.Load(sums);
        b0 = Vector512.Load(sums + 16);
        a1 = Vector512.Load(sums + 32);
        b1 = Vector512.Load(sums + 48);
        a2 = Vector512.Load(sums + 64);
        b2 = Vector512.Load(sums + 80);
        a3 = Vector512.Load(sums + 96);
        b3 = Vector512.Load(sums + 112);
        a4 = Vector512.Load(sums + 128);
        b4 = Vector512.Load(sums + 144);
        a5 = Vector512.Load(sums + 160);
        b5 = Vector512.Load(sums + 176);
        a6 = Vector512.Load(sums + 192);
        b6 = Vector512.Load(sums + 208);
        a7 = Vector512.Load(sums + 224);
        b7 = Vector512.Load(sums + 240);
        nint step = InputStep, next = GradientStep;
        for (int line = 0, lines = checked(images.Count * images.Rows); line < lines; line++)
        {
            var (image, row) = Math.DivRem(line, images.Rows);
            var x = input + image * images.InputLength + row * InputPitch;
            var g = gradient + image * images.GradientLength + row * GradientPitch;
            for (var end = g + Width * next; g < end; g += next, x += step)
            {
                var (w, v) = (Vector512.Load(g), Vector512.Load(g + 16));
                var p = Vector512.Create(x[0]);
                (a0, b0) = (Vector512.FusedMultiplyAdd(p, w, a0), Vector512.FusedMultiplyAdd(p, v, b0));
                p = Vector512.Create(x[1]);
                (a1, b1) = (Vector512.FusedMultiplyAdd(p, w, a1), Vector512.FusedMultiplyAdd(p, v, b1));
                p = Vector512.Create(x[2]);
                (a2, b2) = (Vector512.FusedMultiplyAdd(p, w, a2), Vector512.FusedMultiplyAdd(p, v, b2));
                p = Vector512.Create(x[3]);
                (a3, b3) = (Vector512.FusedMultiplyAdd(p, w, a3), Vector512.FusedMultiplyAdd(p, v, b3));
                p = Vector512.Create(x[4]);
                (a4, b4) = (Vector512.FusedMultiplyAdd(p, w, a4), Vector512.FusedMultiplyAdd(p, v, b4));
                p = Vector512.Create(x[5]);
                (a5, b5) = (Vector512.FusedMultiplyAdd(p, w, a5), Vector512.FusedMultiplyAdd(p, v, b5));
                p = Vector512.Create(x[6]);
                (a6, b6) = (Vector512.FusedMultiplyAdd(p, w, a6), Vector512.FusedMultiplyAdd(p, v, b6));
                p = Vector512.Create(x[7]);
                (a7, b7) = (Vector512.FusedMultiplyAdd(p, w, a7), Vector512.FusedMultiplyAdd(p, v, b7));
            }
        }
        a0.Store(sums);
        b0.Store(sums + 16);
        a1.Store(sums + 32);
        b1.Store(sums + 48);
        a2.Store(sums + 64);
        b2.Store(sums + 80);
        a3.Store(sums + 96);
        b3.Store(sums + 112);
        a4.Store(sums + 128);
        b4.Store(sums + 144);
        a5.Store(sums + 160);
        b5.Store(sums + 176);
        a6.Store(sums + 192);
        b6.Store(sums + 208);
        a7.Store(sums + 224);
        b7.Store(sums + 240);
    }
}
