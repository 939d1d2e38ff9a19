namespace Microsoft.ML.ResNet.Kernels;

/// <summary>The shape of a square convolution that pads by half its size, over one image.</summary>
/// <param name="Inputs">Channels that come in.</param>
/// <param name="Outputs">Channels that go out.</param>
/// <param name="Size">Height and width of the kernel, in pixels; odd.</param>
/// <param name="Stride">Step, in pixels.</param>
/// <param name="Height">Rows of the input.</param>
/// <param name="Width">Columns of the input.</param>
internal readonly record struct ConvolutionShape(int Inputs, int Outputs, int Size, int Stride, int Height, int Width)
{
    /// <summary>Pixels of zeros on each side.</summary>
    public int Padding => Size / 2;

    /// <summary>Rows of the output.</summary>
    public int OutputHeight => (Height + 2 * Padding - Size) / Stride + 1;

    /// <summary>Columns of the output.</summary>
    public int OutputWidth => (Width + 2 * Padding - Size) / Stride + 1;

    /// <summary>Floats of the input image.</summary>
    public int InputLength => Height * Width * Inputs;

    /// <summary>Floats of the output image.</summary>
    public int OutputLength => OutputHeight * OutputWidth * Outputs;

    /// <summary>Floats of the weights.</summary>
    public int WeightLength => Size * Size * Inputs * Outputs;
}

/// <summary>
/// A convolution, its gradients included, computed image by image over channels-last memory from images with a border of zeros. Holds the
/// weights in the orders that <see cref="Sweep"/> reads. Pack them before use; many threads may then compute at once.
/// </summary>
internal sealed unsafe class ConvolutionKernel : IDisposable
{
    private const int RowsAtATime = 8; // of 32 pixels with 16 channels, inputs and gradients: they stay in the first-level cache

    private readonly ConvolutionShape _shape;
    private readonly NativeFloats _weights; // size x (size inputs) x outputs
    private readonly NativeFloats _turned; // by phase: rows x (columns outputs) x inputs
    private readonly Phase[] _phases;
    private readonly Sweep _forward;

    /// <param name="shape">The shape.</param>
    public ConvolutionKernel(ConvolutionShape shape)
    {
        _shape = shape;
        _weights = new NativeFloats(shape.WeightLength);
        _turned = new NativeFloats(shape.WeightLength);
        _forward = new Sweep(shape.Size, InputPitch, shape.Size * shape.Inputs, shape.Stride * shape.Inputs, shape.Outputs);
        _phases = [.. Phases()];
    }

    // One of stride x stride classes of input pixels: those that meet the same weights.
    private sealed record Phase(int Y, int X, int[] KernelRows, int[] KernelColumns, int FirstRow, int FirstColumn, int Weights, Sweep Sweep);

    /// <summary>Floats of an input with its border, and of what the kernels may read behind it.</summary>
    public int PaddedInputLength => (_shape.Height + 2 * _shape.Padding) * InputPitch + _forward.Overrun + 16;

    /// <summary>Floats of a gradient of the output with its border, and of what the kernels may read behind it.</summary>
    public int PaddedGradientLength => (_shape.OutputHeight + 2 * _shape.Padding) * GradientPitch + 16 * _shape.Outputs + 16;

    private int InputPitch => (_shape.Width + 2 * _shape.Padding) * _shape.Inputs;

    private int GradientPitch => (_shape.OutputWidth + 2 * _shape.Padding) * _shape.Outputs;

    /// <summary>Takes the weights in.</summary>
    /// <param name="weights">In the order outputs x size x size x inputs.</param>
    public void Pack(float* weights)
    {
        Transpose(weights, _weights.Pointer, _shape.Outputs, _shape.Size * _shape.Size * _shape.Inputs);
        var target = _turned.Pointer;
        foreach (var phase in _phases)
            foreach (var row in phase.KernelRows)
                foreach (var column in phase.KernelColumns)
                    for (var output = 0; output < _shape.Outputs; output++, target += _shape.Inputs)
                        new ReadOnlySpan<float>(weights + (((nint)output * _shape.Size + row) * _shape.Size + column) * _shape.Inputs, _shape.Inputs).CopyTo(new Span<float>(target, _shape.Inputs));
    }

    /// <summary>Convolves an image.</summary>
    /// <param name="padded">The input with its border.</param>
    /// <param name="output">Receives the output.</param>
    public void Forward(float* padded, float* output)
    {
        var pitch = _shape.OutputWidth * _shape.Outputs;
        for (var row = 0; row < _shape.OutputHeight; row++)
            _forward.Row(padded + (nint)row * _shape.Stride * InputPitch, _weights.Pointer, output + (nint)row * pitch, _shape.Outputs, _shape.OutputWidth, adds: false);
    }

    /// <summary>Computes the gradient of an input image. The input channels must be a multiple of 16.</summary>
    /// <param name="paddedGradient">The gradient of the output, with its border.</param>
    /// <param name="gradient">Receives the gradient of the input.</param>
    /// <param name="adds">Whether to add to what is there.</param>
    public void BackwardInput(float* paddedGradient, float* gradient, bool adds)
    {
        if (!adds && _phases.Length < _shape.Stride * _shape.Stride)
            new Span<float>(gradient, _shape.InputLength).Clear(); // some pixels meet no weights
        foreach (var phase in _phases)
            for (int row = phase.Y, from = phase.FirstRow + _shape.Padding; row < _shape.Height; row += _shape.Stride, from++)
                phase.Sweep.Row(
                    paddedGradient + (nint)from * GradientPitch + (phase.FirstColumn + _shape.Padding) * _shape.Outputs, _turned.Pointer + phase.Weights,
                    gradient + ((nint)row * _shape.Width + phase.X) * _shape.Inputs, _shape.Stride * _shape.Inputs, (_shape.Width - phase.X + _shape.Stride - 1) / _shape.Stride, adds);
    }

    /// <summary>Adds the gradient of the weights that an image causes.</summary>
    /// <param name="padded">The input, with its border.</param>
    /// <param name="paddedGradient">The gradient of the output, with its border.</param>
    /// <param name="sums">In the order size x size x inputs x outputs.</param>
    public void BackwardWeights(float* padded, float* paddedGradient, float* sums)
    {
        var sweep = new WeightSweep(_shape.Stride * InputPitch, _shape.Stride * _shape.Inputs, GradientPitch, _shape.Outputs, _shape.OutputWidth);
        var run = _shape.Size * _shape.Inputs;
        var gradient = paddedGradient + _shape.Padding * GradientPitch + _shape.Padding * _shape.Outputs;
        for (var row = 0; row < _shape.OutputHeight; row += RowsAtATime)
            for (var kernelRow = 0; kernelRow < _shape.Size; kernelRow++)
                sweep.Add(
                    padded + ((nint)row * _shape.Stride + kernelRow) * InputPitch, gradient + (nint)row * GradientPitch,
                    Math.Min(RowsAtATime, _shape.OutputHeight - row), run, sums + (nint)kernelRow * run * _shape.Outputs);
    }

    /// <summary>Brings the gradient of the weights into the order of <see cref="Pack"/> and adds it there.</summary>
    /// <param name="sums">In the order size x size x inputs x outputs.</param>
    /// <param name="gradient">In the order outputs x size x size x inputs.</param>
    public void Unpack(float* sums, float* gradient)
    {
        var run = _shape.Size * _shape.Size * _shape.Inputs;
        for (var output = 0; output < _shape.Outputs; output++)
            for (var i = 0; i < run; i++)
                gradient[(nint)output * run + i] += sums[(nint)i * _shape.Outputs + output];
    }

    /// <summary>Frees the weights.</summary>
    public void Dispose()
    {
        _weights.Dispose();
        _turned.Dispose();
    }

    // Input row Stride m + Y gets its gradient through kernel row k from output row m + (Y + Padding - k) / Stride, where that divides.
    private IEnumerable<Phase> Phases()
    {
        var weights = 0;
        for (var y = 0; y < _shape.Stride; y++)
            for (var x = 0; x < _shape.Stride; x++)
            {
                var (rows, firstRow) = Meeting(y);
                var (columns, firstColumn) = Meeting(x);
                if (rows.Length * columns.Length == 0)
                    continue;
                yield return new Phase(y, x, rows, columns, firstRow, firstColumn, weights, new Sweep(rows.Length, GradientPitch, columns.Length * _shape.Outputs, _shape.Outputs, _shape.Inputs));
                weights += rows.Length * columns.Length * _shape.Inputs * _shape.Outputs;
            }

        (int[] Kernel, int First) Meeting(int position)
        {
            var kernel = Enumerable.Range(0, _shape.Size).Where(k => (position + _shape.Padding - k) % _shape.Stride == 0).Reverse().ToArray();
            return (kernel, kernel.Length == 0 ? 0 : (position + _shape.Padding - kernel[0]) / _shape.Stride);
        }
    }

    private static void Transpose(float* source, float* target, int rows, int columns)
    {
        for (var row = 0; row < rows; row++)
            for (var column = 0; column < columns; column++)
                target[(nint)column * rows + row] = source[(nint)row * columns + column];
    }
}
