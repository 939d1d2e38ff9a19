using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.ResNet.Kernels;

/// <summary>
/// The inner loops of the gradient of a convolution's weights over channels-last memory: what <see cref="Sweep"/> multiplies weights with is
/// multiplied with the gradient of the output and summed over all pixels. Sixteen accumulators stay in registers over a few rows.
/// </summary>
/// <param name="InputPitch">Floats from the inputs of one row of outputs to those of the next.</param>
/// <param name="InputStep">Floats from the inputs of one output to those of the next in its row.</param>
/// <param name="GradientPitch">Floats from one row of gradients to the next.</param>
/// <param name="Outputs">Channels of the output; a multiple of 16, and the floats from one gradient to the next in its row.</param>
/// <param name="Width">Output pixels in a row.</param>
internal readonly unsafe record struct WeightSweep(int InputPitch, int InputStep, int GradientPitch, int Outputs, int Width)
{
    /// <summary>Adds the sums over some rows.</summary>
    /// <param name="input">The first of the run of floats that meet the first output of the first row.</param>
    /// <param name="gradient">The gradient of the first output of the first row.</param>
    /// <param name="rows">Rows of outputs.</param>
    /// <param name="run">Floats in the run; up to 15 more are read.</param>
    /// <param name="sums">The matrix <c>run x outputs</c> to add to.</param>
    [SkipLocalsInit]
    public void Add(float* input, float* gradient, int rows, int run, float* sums)
    {
        var tile = stackalloc float[256];
        var channel = 0;
        for (; channel + 32 <= Outputs; channel += 32)
            for (var first = 0; first < run; first += 8)
            {
                EightByTwo(input + first, gradient + channel, rows, tile);
                Put(tile, sums + (nint)first * Outputs + channel, Math.Min(8, run - first), 2);
            }
        if (channel < Outputs)
            for (var first = 0; first < run; first += 16)
            {
                SixteenByOne(input + first, gradient + channel, rows, tile);
                Put(tile, sums + (nint)first * Outputs + channel, Math.Min(16, run - first), 1);
            }
    }

    private void Put(float* tile, float* sums, int count, int vectors)
    {
        for (var i = 0; i < count; i++, sums += Outputs)
            for (var vector = 0; vector < vectors; vector++, tile += 16)
                (Vector512.Load(tile) + Vector512.Load(sums + 16 * vector)).Store(sums + 16 * vector);
    }

    // Sixteen inputs, sixteen channels.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void SixteenByOne(float* input, float* gradient, int rows, float* tile)
    {
        Vector512<float> a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, aA, aB, aC, aD, aE, aF;
        a0 = a1 = a2 = a3 = a4 = a5 = a6 = a7 = a8 = a9 = aA = aB = aC = aD = aE = aF = Vector512<float>.Zero;
        nint step = InputStep, next = Outputs;
        for (var row = 0; row < rows; row++)
        {
            var x = input + (nint)row * InputPitch;
            var g = gradient + (nint)row * GradientPitch;
            for (var end = g + (nint)Width * Outputs; g < end; g += next, x += step)
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
        a0.Store(tile);
        a1.Store(tile + 16);
        a2.Store(tile + 32);
        a3.Store(tile + 48);
        a4.Store(tile + 64);
        a5.Store(tile + 80);
        a6.Store(tile + 96);
        a7.Store(tile + 112);
        a8.Store(tile + 128);
        a9.Store(tile + 144);
        aA.Store(tile + 160);
        aB.Store(tile + 176);
        aC.Store(tile + 192);
        aD.Store(tile + 208);
        aE.Store(tile + 224);
        aF.Store(tile + 240);
    }

    // Eight inputs, thirty-two channels.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void EightByTwo(float* input, float* gradient, int rows, float* tile)
    {
        Vector512<float> a0, a1, a2, a3, a4, a5, a6, a7, b0, b1, b2, b3, b4, b5, b6, b7;
        a0 = a1 = a2 = a3 = a4 = a5 = a6 = a7 = b0 = b1 = b2 = b3 = b4 = b5 = b6 = b7 = Vector512<float>.Zero;
        nint step = InputStep, next = Outputs;
        for (var row = 0; row < rows; row++)
        {
            var x = input + (nint)row * InputPitch;
            var g = gradient + (nint)row * GradientPitch;
            for (var end = g + (nint)Width * Outputs; g < end; g += next, x += step)
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
        a0.Store(tile);
        b0.Store(tile + 16);
        a1.Store(tile + 32);
        b1.Store(tile + 48);
        a2.Store(tile + 64);
        b2.Store(tile + 80);
        a3.Store(tile + 96);
        b3.Store(tile + 112);
        a4.Store(tile + 128);
        b4.Store(tile + 144);
        a5.Store(tile + 160);
        b5.Store(tile + 176);
        a6.Store(tile + 192);
        b6.Store(tile + 208);
        a7.Store(tile + 224);
        b7.Store(tile + 240);
    }
}
