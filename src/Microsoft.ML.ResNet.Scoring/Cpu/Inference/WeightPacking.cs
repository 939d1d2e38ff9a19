using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Microsoft.ML.ResNet.Cpu.Kernels;
using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Cpu.Inference;

/// <summary>
/// Turns weights round, from the order of PyTorch, where a window of one output lies together, to that of kernels, where the outputs of one
/// weight do; and multiplies them on the way with what stands for the normalisation.
/// </summary>
internal static unsafe class WeightPacking
{
    /// <summary>Packs what a block of input channels gives to some output channels: (k, k, inputs, outputs).</summary>
    /// <param name="convolution">Weights (out, in, k, k).</param>
    /// <param name="output">The first output channel.</param>
    /// <param name="outputs">Output channels that are written; those that the convolution lacks become zero.</param>
    /// <param name="input">The first input channel.</param>
    /// <param name="inputs">Input channels that are written; those that the convolution lacks become zero.</param>
    /// <param name="target">Receives k x k x inputs x outputs weights.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Pack(FoldedConvolution convolution, int output, int outputs, int input, int inputs, float* target)
    {
        var (area, window) = ((int)(convolution.Shape[2] * convolution.Shape[3]), (nint)convolution.Shape[1]);
        var rows = Math.Min(outputs, (int)convolution.Shape[0] - output);
        var columns = Math.Min(inputs, (int)convolution.Shape[1] - input) * area;
        if (rows < outputs || columns < inputs * area)
            NativeBuffer.Clear(target, (long)area * inputs * outputs);
        nint tap = (nint)inputs * outputs; // floats from a weight to the next of its kernel
        var rowLength = window * area;
        fixed (float* all = convolution.Unscaled)
        {
            var source = all + output * rowLength + (nint)input * area;
            var row = 0;
            for (; Vector128.IsHardwareAccelerated && row + 4 <= rows; row += 4)
            {
                double a = convolution.Scale(output + row), b = convolution.Scale(output + row + 1),
                    c = convolution.Scale(output + row + 2), d = convolution.Scale(output + row + 3);
                var first = source + row * rowLength;
                var place = target + row; // of the column's input channel
                int inPlace = 0, column = 0; // which weight of the kernel the column is
                for (; column + 4 <= columns; column += 4)
                {
                    var (p, q, r, s) = Transpose.Square(Scale(first + column, a), Scale(first + rowLength + column, b),
                        Scale(first + 2 * rowLength + column, c), Scale(first + 3 * rowLength + column, d));
                    p.Store(Next(ref place, ref inPlace, area, tap, outputs));
                    q.Store(Next(ref place, ref inPlace, area, tap, outputs));
                    r.Store(Next(ref place, ref inPlace, area, tap, outputs));
                    s.Store(Next(ref place, ref inPlace, area, tap, outputs));
                }
                for (; column < columns; column++)
                {
                    var at = Next(ref place, ref inPlace, area, tap, outputs);
                    at[0] = (float)(first[column] * a);
                    at[1] = (float)(first[rowLength + column] * b);
                    at[2] = (float)(first[2 * rowLength + column] * c);
                    at[3] = (float)(first[3 * rowLength + column] * d);
                }
            }
            for (; row < rows; row++)
            {
                var scale = convolution.Scale(output + row);
                var place = target + row;
                var inPlace = 0;
                for (var column = 0; column < columns; column++)
                    *Next(ref place, ref inPlace, area, tap, outputs) = (float)(source[row * rowLength + column] * scale);
            }
        }
    }

    // Where the next weight of a window goes: after the last of a kernel comes the first of the next input channel's.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float* Next(ref float* place, ref int inPlace, int area, nint tap, int outputs)
    {
        var at = place + inPlace * tap;
        if (++inPlace == area)
        {
            place += outputs;
            inPlace = 0;
        }
        return at;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Scale(float* weights, double scale)
    {
        var (lower, upper) = Vector128.Widen(Vector128.Load(weights));
        return Vector128.Narrow(lower * scale, upper * scale); // rounds as a cast does
    }
}
