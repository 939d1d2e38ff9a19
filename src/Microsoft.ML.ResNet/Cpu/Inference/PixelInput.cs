using System.Runtime.CompilerServices;
using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Cpu.Inference;

/// <summary>Makes pixels a network's input: normalised, and with the channels of a pixel side by side.</summary>
/// <param name="normalization">How pixels become numbers.</param>
/// <param name="output">Written; one block.</param>
internal sealed unsafe class PixelInput(Normalization normalization, FeatureMap output)
{
    private readonly float[][] _values = normalization.Tabulate(); // a byte has 256 values, so each channel's are computed once

    /// <summary>Converts images.</summary>
    /// <param name="pixels">Planar, one image after the other.</param>
    /// <param name="workspace">Receives the numbers.</param>
    public void Run(ReadOnlySpan<byte> pixels, Workspace workspace)
    {
        var shape = output.Layout.Shape;
        for (var plane = 0; plane < pixels.Length / shape.PlaneSize; plane++)
        {
            var (image, channel) = Math.DivRem(plane, shape.Channels);
            var target = workspace[output] + (nint)image * output.Layout.ImageStride + channel;
            for (var y = 0; y < shape.Height; y++)
                Convert(pixels.Slice(plane * shape.PlaneSize + y * shape.Width, shape.Width), target + output.Layout.Offset(y, 0),
                    _values[channel]);
        }
        GC.KeepAlive(workspace);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Convert(ReadOnlySpan<byte> row, float* target, float[] values)
    {
        var step = output.Layout.BlockChannels;
        foreach (var pixel in row)
        {
            *target = values[pixel];
            target += step;
        }
    }
}
