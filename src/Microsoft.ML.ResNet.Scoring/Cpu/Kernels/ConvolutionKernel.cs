namespace Microsoft.ML.ResNet.Cpu.Kernels;

/// <summary>
/// A convolution, its gradients included, over channels-last memory, from images with a border of zeros. Holds the weights in the orders
/// that <see cref="ConvolutionMicroKernel"/> reads. Pack them before use; many threads may then compute at once. Where weights are many,
/// they are read once for a group of images.
/// </summary>
internal unsafe class ConvolutionKernel : IDisposable
{
    private const int GradientRowsAtATime = 8; // of 32 pixels with 16 channels, inputs and gradients: they stay in the first-level cache

    private const int FloatsInCache = 48 << 10; // 192 KiB

    private readonly ConvolutionShape _shape;
    private readonly NativeBuffer _weights; // by block of outputs: size x (size inputs) x channels of the block
    private readonly NativeBuffer _turned; // by phase and block of inputs: rows x (columns outputs) x channels of the block
    private readonly Phase[] _phases;
    private readonly ConvolutionMicroKernel _forward;

    /// <param name="shape">The shape.</param>
    /// <param name="blockWidth">Channels that are computed together: 32 or 16; 0 for what is fastest here.</param>
    public ConvolutionKernel(ConvolutionShape shape, int blockWidth = 0)
    {
        _shape = shape;
        BlockWidth = blockWidth == 0 ? ConvolutionMicroKernel.FastestBlockWidth : blockWidth;
        _weights = new NativeBuffer(shape.WeightLength);
        _turned = new NativeBuffer(shape.WeightLength);
        _forward = new ConvolutionMicroKernel(shape.Size, InputPitch, (nint)shape.Size * shape.Inputs, (nint)shape.Stride * shape.Inputs,
            shape.Outputs, BlockWidth);
        _phases = [.. Phases()];
    }

    // One of stride x stride classes of input pixels: those that meet the same weights.
    private sealed record Phase(int Y, int X, int[] KernelRows, int[] KernelColumns, int FirstRow, int FirstColumn, long Weights,
        ConvolutionMicroKernel MicroKernel);

    /// <summary>Floats of an input with its border, and of what the kernels may read behind it.</summary>
    public long PaddedInputLength => checked((_shape.Height + 2 * _shape.Padding) * InputPitch + _forward.Overrun + 16);

    /// <summary>Floats of a gradient of the output with its border, and of what the kernels may read behind it.</summary>
    public long PaddedGradientLength
        => checked((_shape.OutputHeight + 2 * _shape.Padding) * GradientPitch + 16L * _shape.Outputs + 16);

    /// <summary>Blocks of output channels.</summary>
    public int Blocks => _forward.Blocks;

    /// <summary>Channels of a block.</summary>
    protected int BlockWidth { get; }

    private nint InputPitch => checked((nint)(_shape.Width + 2 * _shape.Padding) * _shape.Inputs);

    private nint GradientPitch => checked((nint)(_shape.OutputWidth + 2 * _shape.Padding) * _shape.Outputs);

    private nint WeightsOfOutput => checked((nint)_shape.Size * _shape.Size * _shape.Inputs);

    /// <summary>Floats of the sums that <see cref="BackwardWeights"/> gathers.</summary>
    public virtual long SumsLength => _shape.WeightLength;

    /// <summary>
    /// Floats of scratch memory that <see cref="Forward"/>, <see cref="BackwardInput"/> and <see cref="BackwardWeights"/> take.
    /// </summary>
    public virtual long ScratchLength => 0;

    /// <summary>The weights by block of outputs: size x size x inputs x channels of the block.</summary>
    protected float* PackedWeights => _weights.Pointer;

    /// <summary>
    /// The weights by block of inputs: size x size, from the last to the first, x outputs x channels of the block. At stride 1.
    /// </summary>
    protected float* TurnedWeights => _turned.Pointer;

    /// <summary>The fastest kernel for a shape.</summary>
    public static ConvolutionKernel For(ConvolutionShape shape)
        => WinogradKernel.Computes(shape) && WinogradTransforms.Pay(shape)
            ? new WinogradKernel(shape)
            : new ConvolutionKernel(shape);

    /// <summary>Takes the weights in.</summary>
    /// <param name="weights">In the order outputs x size x size x inputs.</param>
    public virtual void Pack(float* weights)
    {
        for (var block = 0; block < _forward.Blocks; block++)
        {
            var (first, channels) = Block(block, _shape.Outputs);
            var target = _weights.Pointer + first * WeightsOfOutput;
            for (nint i = 0; i < WeightsOfOutput; i++)
                for (var channel = 0; channel < channels; channel++)
                    *target++ = weights[(first + channel) * WeightsOfOutput + i];
        }
        var turned = _turned.Pointer;
        foreach (var phase in _phases)
            for (var block = 0; block < phase.MicroKernel.Blocks; block++)
            {
                var (first, channels) = Block(block, _shape.Inputs);
                foreach (var row in phase.KernelRows)
                    foreach (var column in phase.KernelColumns)
                        for (var output = 0; output < _shape.Outputs; output++, turned += channels)
                            NativeBuffer.Copy(weights + (((nint)output * _shape.Size + row) * _shape.Size + column) * _shape.Inputs + first,
                                turned, channels);
            }
    }

    /// <summary>Convolves a group of images.</summary>
    /// <param name="padded">The inputs with their borders, <see cref="PaddedInputLength"/> apart.</param>
    /// <param name="output">Receives the outputs.</param>
    /// <param name="images">How many images.</param>
    /// <param name="scratch"><see cref="ScratchLength"/> floats.</param>
    public virtual void Forward(float* padded, float* output, int images, float* scratch)
    {
        var atOnce = RowsAtATime(images * _shape.Stride * InputPitch);
        for (var row = 0; row < _shape.OutputHeight; row += atOnce)
            for (var block = 0; block < _forward.Blocks; block++)
                for (var image = 0; image < images; image++)
                    _forward.Image(block, padded + image * PaddedInputLength + (nint)row * _shape.Stride * InputPitch,
                        _shape.Stride * InputPitch, _weights.Pointer,
                        output + image * _shape.OutputLength + (nint)row * _shape.OutputWidth * _shape.Outputs,
                        (nint)_shape.OutputWidth * _shape.Outputs, _shape.Outputs, Math.Min(atOnce, _shape.OutputHeight - row),
                        _shape.OutputWidth, adds: false);
    }

    /// <summary>Computes the gradients of the inputs of a group of images. The input channels must be a multiple of 16.</summary>
    /// <param name="paddedGradient">The gradients of the outputs with their borders, <see cref="PaddedGradientLength"/> apart.</param>
    /// <param name="gradient">Receives the gradients of the inputs.</param>
    /// <param name="images">How many images.</param>
    /// <param name="adds">Whether to add to what is there.</param>
    /// <param name="scratch"><see cref="ScratchLength"/> floats.</param>
    public virtual void BackwardInput(float* paddedGradient, float* gradient, int images, bool adds, float* scratch)
    {
        if (!adds && _phases.Length < _shape.Stride * _shape.Stride)
            NativeBuffer.Clear(gradient, images * _shape.InputLength); // some pixels meet no weights
        var atOnce = RowsAtATime(images * GradientPitch);
        foreach (var phase in _phases)
            for (int row = 0, rows = (_shape.Height - phase.Y + _shape.Stride - 1) / _shape.Stride; row < rows; row += atOnce)
                for (var block = 0; block < phase.MicroKernel.Blocks; block++)
                    for (var image = 0; image < images; image++)
                        phase.MicroKernel.Image(block,
                            paddedGradient + image * PaddedGradientLength + (phase.FirstRow + row + _shape.Padding) * GradientPitch
                                + (nint)(phase.FirstColumn + _shape.Padding) * _shape.Outputs,
                            GradientPitch, _turned.Pointer + phase.Weights,
                            gradient + image * _shape.InputLength
                                + (((nint)row * _shape.Stride + phase.Y) * _shape.Width + phase.X) * _shape.Inputs,
                            (nint)_shape.Stride * _shape.Width * _shape.Inputs, (nint)_shape.Stride * _shape.Inputs,
                            Math.Min(atOnce, rows - row), (_shape.Width - phase.X + _shape.Stride - 1) / _shape.Stride, adds);
    }

    // Rows of outputs whose inputs meet one block of weights before they meet the next: so many that the inputs stay in the second-level
    // cache meanwhile, or that weights are not read more often than inputs. Tiles of narrow images take two rows.
    private int RowsAtATime(nint floatsOfRow)
        => 2 * (int)Math.Max(1, Math.Max(FloatsInCache, _shape.WeightLength) / Math.Max(1, 2 * floatsOfRow));

    /// <summary>Adds the gradient of all weights that an image causes.</summary>
    /// <param name="padded">The input, with its border.</param>
    /// <param name="paddedGradient">The gradient of the output, with its border.</param>
    /// <param name="sums"><see cref="SumsLength"/> floats, for <see cref="Unpack(int, float*, float*)"/>.</param>
    /// <param name="scratch"><see cref="ScratchLength"/> floats.</param>
    public virtual void BackwardWeights(float* padded, float* paddedGradient, float* sums, float* scratch)
    {
        var kernel = new WeightGradientMicroKernel(_shape.Stride * InputPitch, (nint)_shape.Stride * _shape.Inputs, GradientPitch,
            _shape.Outputs, _shape.OutputWidth, BlockWidth);
        var run = (nint)_shape.Size * _shape.Inputs;
        var gradient = paddedGradient + _shape.Padding * GradientPitch + (nint)_shape.Padding * _shape.Outputs;
        for (var row = 0; row < _shape.OutputHeight; row += GradientRowsAtATime)
            for (var block = 0; block < _forward.Blocks; block++)
            {
                var (first, channels) = Block(block, _shape.Outputs);
                for (var kernelRow = 0; kernelRow < _shape.Size; kernelRow++)
                    kernel.Add(
                        padded + ((nint)row * _shape.Stride + kernelRow) * InputPitch, gradient + row * GradientPitch + first,
                            new(1, 0, 0, Math.Min(GradientRowsAtATime, _shape.OutputHeight - row)),
                        run, channels, sums + first * WeightsOfOutput + kernelRow * run * channels);
            }
    }

    /// <summary>Floats of scratch memory that <see cref="BackwardWeightsOfBlock"/> takes.</summary>
    public long CompactLength
        => checked((long)ImagesAtATime * _shape.OutputHeight * _shape.OutputWidth * BlockWidth);

    /// <summary>Floats that <see cref="BackwardWeightsOfBlock"/> computes for a block at most.</summary>
    public long BlockSumsLength => BlockWidth * WeightsOfOutput;

    /// <summary>Floats that it computes for a block.</summary>
    public long SumsOfBlock(int block) => Block(block, _shape.Outputs).Channels * WeightsOfOutput;

    /// <summary>The place of the first of them.</summary>
    public long FirstSum(int block) => Block(block, _shape.Outputs).First * WeightsOfOutput;

    // As many as make a sum worth its way to memory and back.
    private int ImagesAtATime => (int)Math.Max(1, 64 / ((long)_shape.OutputHeight * _shape.OutputWidth));

    /// <summary>Computes the gradient of one block's weights over all images.</summary>
    /// <param name="block">Which block of outputs.</param>
    /// <param name="padded">The inputs with their borders, <see cref="PaddedInputLength"/> apart.</param>
    /// <param name="paddedGradient">The gradients of the outputs with their borders, <see cref="PaddedGradientLength"/> apart.</param>
    /// <param name="images">How many images.</param>
    /// <param name="compact">
    /// Scratch memory for the block's gradients, side by side: on their own they do not lie where a cache could hold them all.
    /// </param>
    /// <param name="sums">By block of outputs: size x size x inputs x channels of the block. The block's part is overwritten.</param>
    public void BackwardWeightsOfBlock(int block, float* padded, float* paddedGradient, int images, float* compact, float* sums)
    {
        var (first, channels) = Block(block, _shape.Outputs);
        var (run, pixels) = ((nint)_shape.Size * _shape.Inputs, (nint)_shape.OutputHeight * _shape.OutputWidth);
        var kernel = new WeightGradientMicroKernel(_shape.Stride * InputPitch, (nint)_shape.Stride * _shape.Inputs,
            (nint)_shape.OutputWidth * channels, channels, _shape.OutputWidth, BlockWidth);
        sums += first * WeightsOfOutput;
        NativeBuffer.Clear(sums, WeightsOfOutput * channels);
        for (var image = 0; image < images; image += ImagesAtATime)
        {
            var count = Math.Min(ImagesAtATime, images - image);
            for (var i = 0; i < count; i++)
                Compact(paddedGradient + (image + i) * PaddedGradientLength + first, channels, compact + i * pixels * channels);
            for (var kernelRow = 0; kernelRow < _shape.Size; kernelRow++)
                kernel.Add(padded + image * PaddedInputLength + kernelRow * InputPitch, compact,
                    new(count, (nint)PaddedInputLength, pixels * channels, _shape.OutputHeight),
                    run, channels, sums + kernelRow * run * channels);
        }
    }

    /// <summary>Brings the gradient of one block's weights into the order of <see cref="Pack"/> and adds it there.</summary>
    /// <param name="block">Which block of outputs.</param>
    /// <param name="sums">What was gathered; of no use afterwards.</param>
    /// <param name="gradient">In the order outputs x size x size x inputs.</param>
    public virtual void Unpack(int block, float* sums, float* gradient)
    {
        var (first, channels) = Block(block, _shape.Outputs);
        Unpack(first, channels, sums + first * WeightsOfOutput, gradient);
    }

    /// <summary>Brings the gradient of some channels' weights into the order of <see cref="Pack"/> and adds it there.</summary>
    /// <param name="first">The first of the channels.</param>
    /// <param name="channels">How many they are.</param>
    /// <param name="sums">Size x size x inputs x channels.</param>
    /// <param name="gradient">In the order outputs x size x size x inputs.</param>
    protected void Unpack(int first, int channels, float* sums, float* gradient)
    {
        for (var channel = 0; channel < channels; channel++)
            for (nint i = 0; i < WeightsOfOutput; i++)
                gradient[(first + channel) * WeightsOfOutput + i] += sums[i * channels + channel];
    }

    /// <summary>Frees the weights.</summary>
    public virtual void Dispose()
    {
        _weights.Dispose();
        _turned.Dispose();
    }

    private void Compact(float* padded, int channels, float* target)
    {
        for (var row = 0; row < _shape.OutputHeight; row++)
            for (var column = 0; column < _shape.OutputWidth; column++, target += channels)
                NativeBuffer.Copy(
                    padded + (row + _shape.Padding) * GradientPitch + (nint)(column + _shape.Padding) * _shape.Outputs, target, channels);
    }

    /// <summary>The channels of a block.</summary>
    protected (int First, int Channels) Block(int block, int channels)
        => (block * BlockWidth, Math.Min(BlockWidth, channels - block * BlockWidth));

    // Input row Stride m + Y gets its gradient through kernel row k from output row m + (Y + Padding - k) / Stride, where that divides.
    private IEnumerable<Phase> Phases()
    {
        var weights = 0L;
        for (var y = 0; y < _shape.Stride; y++)
            for (var x = 0; x < _shape.Stride; x++)
            {
                var (rows, firstRow) = Meeting(y);
                var (columns, firstColumn) = Meeting(x);
                if (rows.Length * columns.Length == 0)
                    continue;
                yield return new Phase(y, x, rows, columns, firstRow, firstColumn, weights,
                    new ConvolutionMicroKernel(rows.Length, GradientPitch, (nint)columns.Length * _shape.Outputs, _shape.Outputs,
                        _shape.Inputs, BlockWidth));
                weights += (long)rows.Length * columns.Length * _shape.Inputs * _shape.Outputs;
            }

        (int[] Kernel, int First) Meeting(int position)
        {
            var kernel = Enumerable.Range(0, _shape.Size).Where(k => (position + _shape.Padding - k) % _shape.Stride == 0)
                .Reverse().ToArray();
            return (kernel, kernel.Length == 0 ? 0 : (position + _shape.Padding - kernel[0]) / _shape.Stride);
        }
    }
}
