using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.ResNet.Cpu.Kernels;

/// <content>
/// Tiles for vectors of 256 bits: 6 pixels x 16 channels. Of the 16 registers of AVX2 they take 12 for the sums, two for a row of B and one
/// for the float of A that meets both. The six pixels lie anywhere, so that narrow images fill tiles too. A rest of up to three is
/// computed at once.
/// </content>
internal readonly unsafe partial record struct ConvolutionMicroKernel
{
    private void RowsBy6x16(float* input, nint inputPitch, float* weights, float* output, nint outputPitch, nint outputStep, int height,
        int width, bool adds, float* spare)
    {
        float** inputs = stackalloc float*[6], outputs = stackalloc float*[6];
        var (row, column) = (0, 0);
        for (var left = checked(height * width); left > 0; left -= 6)
        {
            if (width - column >= 6)
            {
                SixInARow(input + row * inputPitch + column * Step, Step, inputs);
                SixInARow(output + row * outputPitch + column * outputStep, outputStep, outputs);
                column += 6;
                if (column == width)
                    (row, column) = (row + 1, 0);
                Tile6x16(inputs, weights, outputs, adds);
                continue;
            }
            for (var i = 0; i < 6; i++)
            {
                outputs[i] = spare;
                if (i >= left)
                {
                    inputs[i] = inputs[i - 1]; // computed, and not kept
                    continue;
                }
                inputs[i] = input + row * inputPitch + column * Step;
                outputs[i] = output + row * outputPitch + column * outputStep;
                if (++column == width)
                    (row, column) = (row + 1, 0);
            }
            if (left > 3)
                Tile6x16(inputs, weights, outputs, adds);
            else
                Tile3x16(inputs, weights, outputs, adds);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SixInARow(float* first, nint step, float** pixels)
    {
        pixels[0] = first;
        pixels[1] = first + step;
        pixels[2] = first + 2 * step;
        pixels[3] = first + 3 * step;
        pixels[4] = first + 4 * step;
        pixels[5] = first + 5 * step;
    }

    // 6 pixels x 16 channels.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Tile6x16(float** inputs, float* weights, float** outputs, bool adds)
    {
        Vector256<float> a0, a1, a2, a3, a4, a5, b0, b1, b2, b3, b4, b5;
        a0 = a1 = a2 = a3 = a4 = a5 = b0 = b1 = b2 = b3 = b4 = b5 = Vector256<float>.Zero;
        if (adds)
        {
            (a0, b0) = (Vector256.Load(outputs[0]), Vector256.Load(outputs[0] + 8));
            (a1, b1) = (Vector256.Load(outputs[1]), Vector256.Load(outputs[1] + 8));
            (a2, b2) = (Vector256.Load(outputs[2]), Vector256.Load(outputs[2] + 8));
            (a3, b3) = (Vector256.Load(outputs[3]), Vector256.Load(outputs[3] + 8));
            (a4, b4) = (Vector256.Load(outputs[4]), Vector256.Load(outputs[4] + 8));
            (a5, b5) = (Vector256.Load(outputs[5]), Vector256.Load(outputs[5] + 8));
        }
        float* x0 = inputs[0], x1 = inputs[1], x2 = inputs[2], x3 = inputs[3], x4 = inputs[4], x5 = inputs[5];
        for (var row = 0; row < Rows; row++)
        {
            for (nint i = row * RowPitch, end = i + Run; i < end; i++, weights += 16)
            {
                var (w, v) = (Vector256.Load(weights), Vector256.Load(weights + 8));
                var p = Vector256.Create(x0[i]);
                a0 = Vector256.FusedMultiplyAdd(p, w, a0);
                b0 = Vector256.FusedMultiplyAdd(p, v, b0);
                p = Vector256.Create(x1[i]);
                a1 = Vector256.FusedMultiplyAdd(p, w, a1);
                b1 = Vector256.FusedMultiplyAdd(p, v, b1);
                p = Vector256.Create(x2[i]);
                a2 = Vector256.FusedMultiplyAdd(p, w, a2);
                b2 = Vector256.FusedMultiplyAdd(p, v, b2);
                p = Vector256.Create(x3[i]);
                a3 = Vector256.FusedMultiplyAdd(p, w, a3);
                b3 = Vector256.FusedMultiplyAdd(p, v, b3);
                p = Vector256.Create(x4[i]);
                a4 = Vector256.FusedMultiplyAdd(p, w, a4);
                b4 = Vector256.FusedMultiplyAdd(p, v, b4);
                p = Vector256.Create(x5[i]);
                a5 = Vector256.FusedMultiplyAdd(p, w, a5);
                b5 = Vector256.FusedMultiplyAdd(p, v, b5);
            }
        }
        a0.Store(outputs[0]);
        b0.Store(outputs[0] + 8);
        a1.Store(outputs[1]);
        b1.Store(outputs[1] + 8);
        a2.Store(outputs[2]);
        b2.Store(outputs[2] + 8);
        a3.Store(outputs[3]);
        b3.Store(outputs[3] + 8);
        a4.Store(outputs[4]);
        b4.Store(outputs[4] + 8);
        a5.Store(outputs[5]);
        b5.Store(outputs[5] + 8);
    }

    // 3 pixels x 16 channels.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Tile3x16(float** inputs, float* weights, float** outputs, bool adds)
    {
        Vector256<float> a0, a1, a2, b0, b1, b2;
        a0 = a1 = a2 = b0 = b1 = b2 = Vector256<float>.Zero;
        if (adds)
        {
            (a0, b0) = (Vector256.Load(outputs[0]), Vector256.Load(outputs[0] + 8));
            (a1, b1) = (Vector256.Load(outputs[1]), Vector256.Load(outputs[1] + 8));
            (a2, b2) = (Vector256.Load(outputs[2]), Vector256.Load(outputs[2] + 8));
        }
        float* x0 = inputs[0], x1 = inputs[1], x2 = inputs[2];
        for (var row = 0; row < Rows; row++)
        {
            for (nint i = row * RowPitch, end = i + Run; i < end; i++, weights += 16)
            {
                var (w, v) = (Vector256.Load(weights), Vector256.Load(weights + 8));
                var p = Vector256.Create(x0[i]);
                a0 = Vector256.FusedMultiplyAdd(p, w, a0);
                b0 = Vector256.FusedMultiplyAdd(p, v, b0);
                p = Vector256.Create(x1[i]);
                a1 = Vector256.FusedMultiplyAdd(p, w, a1);
                b1 = Vector256.FusedMultiplyAdd(p, v, b1);
                p = Vector256.Create(x2[i]);
                a2 = Vector256.FusedMultiplyAdd(p, w, a2);
                b2 = Vector256.FusedMultiplyAdd(p, v, b2);
            }
        }
        a0.Store(outputs[0]);
        b0.Store(outputs[0] + 8);
        a1.Store(outputs[1]);
        b1.Store(outputs[1] + 8);
        a2.Store(outputs[2]);
        b2.Store(outputs[2] + 8);
    }
}
