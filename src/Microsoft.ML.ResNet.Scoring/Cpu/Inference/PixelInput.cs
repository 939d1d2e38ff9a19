using System.Runtime.CompilerServices;

namespace Microsoft.ML.ResNet.Cpu.Inference;

/// <summary>Makes pixels a network's input: normalised, and with the channels of a pixel side by side.</summary>
/// <param name="values">For each channel what each of the 256 pixels becomes.</param>
/// <param name="output">Written; one block.</param>
internal sealed unsafe class PixelInput(float[][] values, FeatureMap output)
{
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
                    values[channel]);
        }
        GC.KeepAlive(workspace);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Convert(ReadOnlySpan<byte> row, float* target, float[] valueOf)
    {
        var step = output.Layout.BlockChannels;
        foreach (var pixel in row)
        {
            *target = valueOf[pixel];
            target += step;
        }
    }
}
