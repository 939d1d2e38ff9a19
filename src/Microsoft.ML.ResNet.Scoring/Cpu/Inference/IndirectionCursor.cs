using System.Runtime.CompilerServices;

namespace Microsoft.ML.ResNet.Cpu.Inference;

/// <summary>
/// Goes over the output pixels of a convolution, row by row and image by image, a tile at a time. All offsets are in floats.
/// Named after what XNNPACK keeps in its indirection buffers.
/// </summary>
internal unsafe struct IndirectionCursor
{
    private readonly int _width, _height;
    private readonly (nint Pixel, nint Row, nint Image) _inputSteps, _outputSteps;
    private int _x, _y, _left;
    private nint _input, _output;

    /// <param name="input">Where windows lie.</param>
    /// <param name="output">Where results lie.</param>
    /// <param name="kernel">Height and width of a window, in pixels.</param>
    /// <param name="stride">Step from a window to the next, in pixels.</param>
    /// <param name="images">Images to go over.</param>
    /// <param name="start">The output pixel to start with, counted over all images.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public IndirectionCursor(MapLayout input, MapLayout output, int kernel, int stride, int images, int start)
    {
        (_width, _height) = (output.Shape.Width, output.Shape.Height);
        _inputSteps = Steps(input, stride);
        _outputSteps = Steps(output, 1);
        (var image, start, _left) = (start / output.Shape.PlaneSize, start % output.Shape.PlaneSize,
            checked(images * output.Shape.PlaneSize) - start);
        (_y, _x) = Math.DivRem(start, _width);
        _input = (nint)image * input.ImageStride + input.Offset(_y * stride - kernel / 2, _x * stride - kernel / 2);
        _output = (nint)image * output.ImageStride + output.Offset(_y, _x);
    }

    /// <summary>Gives the next tile; where the pixels end, the last is repeated.</summary>
    /// <param name="inputs">Receives <see cref="ConvolutionTile.Pixels"/> offsets of windows in the input.</param>
    /// <param name="outputs">Receives as many offsets of pixels in the output.</param>
    /// <returns>Pixels before the repetition.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public int Next(nint* inputs, nint* outputs)
    {
        var count = Math.Min(ConvolutionTile.Pixels, _left);
        for (var i = 0; i < ConvolutionTile.Pixels; i++)
        {
            inputs[i] = _input;
            outputs[i] = _output;
            if (i < count - 1)
                Advance();
        }
        Advance();
        _left -= count;
        return count;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Advance()
    {
        _input += _inputSteps.Pixel;
        _output += _outputSteps.Pixel;
        if (++_x < _width)
            return;
        _x = 0;
        _input += _inputSteps.Row;
        _output += _outputSteps.Row;
        if (++_y < _height)
            return;
        _y = 0;
        _input += _inputSteps.Image;
        _output += _outputSteps.Image;
    }

    // What is added after each pixel, besides after each row, and besides after each image.
    private readonly (nint, nint, nint) Steps(MapLayout layout, int stride)
        => (stride * layout.BlockChannels, stride * (layout.RowStride - _width * layout.BlockChannels),
            layout.ImageStride - stride * _height * layout.RowStride);
}
