using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Microsoft.ML.ResNet.Cpu.Kernels;

/// <summary>
/// A convolution, its gradients included, over channels-last memory, from images with a border of zeros. Keeps nothing: the caller has
/// the weights packed, one for each direction, unless it <see cref="IsByBlock"/>, and many threads may compute with them at once.
/// Where weights are many, they are read once for a group of images.
/// </summary>
internal unsafe partial class ConvolutionKernel
{
    private const int OutputsAhead = 16; // whose weights are asked for while others are copied: they lie far apart
    private const int FloatsInCache = 48 << 10; // 192 KiB

    private readonly ConvolutionShape _shape;
    private readonly Phase[] _phases;
    private readonly ConvolutionMicroKernel _forward;
    private readonly ConvolutionMicroKernel.Slice[] _slices; // of it

    /// <param name="shape">The shape.</param>
    /// <param name="blockWidth">Channels that are computed together: 32 or 16; 0 for what is fastest here.</param>
    public ConvolutionKernel(ConvolutionShape shape, int blockWidth = 0)
    {
        _shape = shape;
        BlockWidth = blockWidth == 0 ? ConvolutionMicroKernel.FastestBlockWidth : blockWidth;
        _forward = new ConvolutionMicroKernel(shape.Size, InputPitch, (nint)shape.Size * shape.Inputs, (nint)shape.Stride * shape.Inputs,
            shape.Outputs, BlockWidth);
        _slices = _forward.Slices;
        _phases = [.. Phases()];
    }

    // Images of one kind: the first, the floats from one to the next, and those from one row to the next.
    private readonly record struct Maps(nint Address, nint Length, nint Pitch)
    {
        public Maps(float* first, nint length, nint pitch)
            : this((nint)first, length, pitch)
        {
        }

        public float* First => (float*)Address;
    }

    // What a product reads and writes: rows of pixels that go out, and what they meet.
    private readonly record struct Product(Maps Inputs, Maps Outputs, nint OutputStep, int Height, int Width);

    // One of stride x stride classes of input pixels: those that meet the same weights.
    private sealed record Phase(int Y, int X, int[] KernelRows, int[] KernelColumns, int FirstRow, int FirstColumn, long Weights,
        nint WeightsOfInput, ConvolutionMicroKernel MicroKernel)
    {
        public ConvolutionMicroKernel.Slice[] Slices { get; } = MicroKernel.Slices;
    }

    /// <summary>Floats of an input with its border, and of what the kernels may read behind it.</summary>
    public virtual long PaddedInputLength => checked((_shape.Height + 2 * _shape.Padding) * InputPitch + _forward.Overrun + 16);

    /// <summary>Floats of a gradient of the output with its border, and of what the kernels may read behind it.</summary>
    public virtual long PaddedGradientLength
        => checked((_shape.OutputHeight + 2 * _shape.Padding) * GradientPitch + 16L * _shape.Outputs + 16);

    /// <summary>Blocks of output channels.</summary>
    public int Blocks => _forward.Blocks;

    /// <summary>
    /// Blocks of input channels; 0 where the channels are no multiple of 16, such as an image's three: there is no gradient of these.
    /// </summary>
    public int InputBlocks => _shape.Inputs % 16 == 0 ? (_shape.Inputs + BlockWidth - 1) / BlockWidth : 0;

    /// <summary>Channels of a block.</summary>
    protected int BlockWidth { get; }

    private bool SomePixelsMeetNoWeights => _phases.Length < _shape.Stride * _shape.Stride;

    private nint InputPitch => checked((nint)(_shape.Width + 2 * _shape.Padding) * _shape.Inputs);

    private nint GradientPitch => checked((nint)(_shape.OutputWidth + 2 * _shape.Padding) * _shape.Outputs);

    private nint WeightsOfOutput => checked((nint)_shape.Size * _shape.Size * _shape.Inputs);

    /// <summary>Images that are best computed as a group where weights are few; where they are many, all that there are.</summary>
    public virtual int GroupSize => 1;

    /// <summary>
    /// How the gradient of the weights is best gathered: a block of outputs at a time over all images
    /// (<see cref="BackwardWeightsOfBlock"/>), or over some images, all weights at a time (<see cref="BackwardWeights"/>).
    /// </summary>
    public virtual bool GradientIsByBlock => _shape.IsWide;

    /// <summary>Floats of the packed weights of either direction.</summary>
    public virtual long PackedLength => _shape.WeightLength;

    /// <summary>Floats of the sums that <see cref="BackwardWeights"/> gathers.</summary>
    public virtual long SumsLength => _shape.WeightLength;

    /// <summary>
    /// Floats of scratch memory that packing and all passes but <see cref="BackwardWeightsOfBlock"/> take.
    /// </summary>
    public virtual long ScratchLength
        => Math.Max(ConvolutionMicroKernel.FloatsOfSlice,
            checked((long)RowsAtOnce * _shape.OutputWidth * BlockWidth + (HasPanels ? PanelsLengthOf(RowsAtOnce) : 0)));

    /// <summary>The fastest kernel for a shape.</summary>
    /// <param name="shape">The shape.</param>
    /// <param name="images">Images of a batch.</param>
    /// <param name="shards">Shards that a batch is cut into.</param>
    public static ConvolutionKernel For(ConvolutionShape shape, int images, int shards)
        => WinogradKernels.BestTileSize(shape, images) is > 0 and var tileSize
            ? WinogradKernels.Of(tileSize, shape, imagesOfShard: Math.Max(1, images / shards))
            : new ConvolutionKernel(shape) { IsByBlock = shape.IsWide && WinogradKernels.IsFew(shape, images) };

    /// <summary>Packs the weights of one block of outputs for <see cref="Forward"/>.</summary>
    /// <param name="block">Which of <see cref="Blocks"/>.</param>
    /// <param name="weights">All weights, in the order outputs x size x size x inputs.</param>
    /// <param name="packed">Receives the block's part of <see cref="PackedLength"/> floats.</param>
    /// <param name="scratch"><see cref="ScratchLength"/> floats.</param>
    public virtual void PackForward(int block, float* weights, float* packed, float* scratch)
        => PackOutputs(block, weights, packed + Block(block, _shape.Outputs).First * WeightsOfOutput);

    /// <summary>Packs the weights of one block of inputs for <see cref="BackwardInput"/>.</summary>
    /// <param name="block">Which of <see cref="InputBlocks"/>.</param>
    /// <param name="weights">All weights, in the order outputs x size x size x inputs.</param>
    /// <param name="packed">Receives the block's part of <see cref="PackedLength"/> floats.</param>
    /// <param name="scratch"><see cref="ScratchLength"/> floats.</param>
    public virtual void PackBackward(int block, float* weights, float* packed, float* scratch)
    {
        foreach (var phase in _phases)
            PackInputs(phase, block, phase.MicroKernel.Whole, weights,
                packed + phase.Weights + Block(block, _shape.Inputs).First * phase.WeightsOfInput);
    }

    /// <summary>Convolves a group of images.</summary>
    /// <param name="padded">The inputs with their borders, <see cref="PaddedInputLength"/> apart.</param>
    /// <param name="packed">The weights by <see cref="PackForward"/>.</param>
    /// <param name="output">Receives the outputs.</param>
    /// <param name="images">How many images.</param>
    /// <param name="scratch"><see cref="ScratchLength"/> floats.</param>
    public virtual void Forward(float* padded, float* packed, float* output, int images, float* scratch)
        => Multiply(_forward, _slices, ForwardMaps(padded, output), packed, images, adds: false);

    /// <summary>Computes the gradients of the inputs of a group of images. The input channels must be a multiple of 16.</summary>
    /// <param name="paddedGradient">The gradients of the outputs with their borders, <see cref="PaddedGradientLength"/> apart.</param>
    /// <param name="packed">The weights by <see cref="PackBackward"/>.</param>
    /// <param name="gradient">Receives the gradients of the inputs.</param>
    /// <param name="images">How many images.</param>
    /// <param name="adds">Whether to add to what is there.</param>
    /// <param name="scratch"><see cref="ScratchLength"/> floats.</param>
    public virtual void BackwardInput(float* paddedGradient, float* packed, float* gradient, int images, bool adds, float* scratch)
    {
        if (!adds && SomePixelsMeetNoWeights)
            NativeBuffer.Clear(gradient, images * _shape.InputLength);
        foreach (var phase in _phases)
            Multiply(phase.MicroKernel, phase.Slices, BackwardMaps(phase, paddedGradient, gradient), packed + phase.Weights, images, adds);
    }

    private Product ForwardMaps(float* padded, float* output)
        => new(new(padded, (nint)PaddedInputLength, _shape.Stride * InputPitch),
            new(output, (nint)_shape.OutputLength, (nint)_shape.OutputWidth * _shape.Outputs), _shape.Outputs, _shape.OutputHeight,
            _shape.OutputWidth);

    private Product BackwardMaps(Phase phase, float* paddedGradient, float* gradient)
        => new(new(paddedGradient + (phase.FirstRow + _shape.Padding) * GradientPitch
                + (nint)(phase.FirstColumn + _shape.Padding) * _shape.Outputs, (nint)PaddedGradientLength, GradientPitch),
            new(gradient + ((nint)phase.Y * _shape.Width + phase.X) * _shape.Inputs, (nint)_shape.InputLength,
                (nint)_shape.Stride * _shape.Width * _shape.Inputs), (nint)_shape.Stride * _shape.Inputs,
            (_shape.Height - phase.Y + _shape.Stride - 1) / _shape.Stride, (_shape.Width - phase.X + _shape.Stride - 1) / _shape.Stride);

    // Some rows of all images meet all weights before the next do: so many that what a slice of the weights meets of them stays in the
    // second-level cache meanwhile. A slice of a block's weights stays in the first-level cache.
    private static void Multiply(ConvolutionMicroKernel kernel, ConvolutionMicroKernel.Slice[] slices, Product maps, float* weights,
        int images, bool adds)
    {
        var floatsOfRow = (nint)images * maps.Width * Math.Min(kernel.Step, slices[0].Count);
        var atOnce = 2 * (int)Math.Max(1, FloatsInCache / Math.Max(1, 2 * floatsOfRow)); // tiles of narrow images take two rows
        for (var row = 0; row < maps.Height; row += atOnce)
            foreach (var slice in slices)
                for (var block = 0; block < kernel.Blocks; block++)
                    Multiply(kernel, block, slice, maps, row, Math.Min(atOnce, maps.Height - row),
                        weights + kernel.FirstWeight(block, slice), images, adds || slice != slices[0]);
    }

    // Some rows of all images meet a slice of the weights of one block.
    private static void Multiply(ConvolutionMicroKernel kernel, int block, ConvolutionMicroKernel.Slice slice, Product maps, int row,
        int rows, float* weights, int images, bool adds)
    {
        var (inputs, outputs) = (maps.Inputs, maps.Outputs);
        for (var image = 0; image < images; image++)
            kernel.Image(block, slice, inputs.First + image * inputs.Length + row * inputs.Pitch, inputs.Pitch, weights,
                outputs.First + image * outputs.Length + row * outputs.Pitch, outputs.Pitch, maps.OutputStep, rows, maps.Width, adds);
    }

    /// <summary>Floats that <see cref="BackwardWeightsOfBlock"/> computes for a block.</summary>
    public long SumsOfBlock(int block) => Block(block, _shape.Outputs).Channels * WeightsOfOutput;

    /// <summary>The place of the first of them.</summary>
    public long FirstSum(int block) => Block(block, _shape.Outputs).First * WeightsOfOutput;

    /// <summary>Brings the gradient of one block's weights into the order of the weights and adds it there.</summary>
    /// <param name="block">Which block of outputs.</param>
    /// <param name="sums">The block's: size x size x inputs x channels of the block.</param>
    /// <param name="gradient">Of all weights, in the order outputs x size x size x inputs.</param>
    public void Unpack(int block, float* sums, float* gradient)
    {
        var (first, channels) = Block(block, _shape.Outputs);
        var (count, offset) = (WeightsOfOutput, first * WeightsOfOutput);
        Transpose.Matrix(sums, channels, checked((int)count), channels, gradient + offset, count, adds: true);
    }

    /// <summary>Turns the weights of a block of outputs: size x size x inputs x channels of the block.</summary>
    protected void PackOutputs(int block, float* weights, float* target) => PackOutputs(block, _forward.Whole, weights, target);

    /// <summary>
    /// Copies the weights of a block of inputs: size x size, from the last to the first, x outputs x channels of the block. At stride 1.
    /// </summary>
    protected void PackInputs(int block, float* weights, float* target)
        => PackInputs(_phases[0], block, _phases[0].MicroKernel.Whole, weights, target);

    /// <summary>The channels of a block.</summary>
    protected (int First, int Channels) Block(int block, int channels)
        => (block * BlockWidth, Math.Min(BlockWidth, channels - block * BlockWidth));

    // A slice of them.
    private void PackOutputs(int block, ConvolutionMicroKernel.Slice slice, float* weights, float* target)
    {
        var (first, channels) = Block(block, _shape.Outputs);
        Transpose.Matrix(weights + first * WeightsOfOutput + slice.Row * _forward.Run + slice.First, WeightsOfOutput, channels,
            checked((int)(slice.Rows * slice.Count)), target, channels, adds: false);
    }

    // A slice of those that a phase meets: rows x columns x outputs x channels of the block.
    private void PackInputs(Phase phase, int block, ConvolutionMicroKernel.Slice slice, float* weights, float* target)
    {
        var (first, channels) = Block(block, _shape.Inputs);
        for (var row = slice.Row; row < slice.Row + slice.Rows; row++)
            for (nint place = slice.First, end; place < slice.First + slice.Count; place = end)
            {
                var column = (int)(place / _shape.Outputs);
                end = Math.Min(slice.First + slice.Count, (column + 1) * (nint)_shape.Outputs);
                var from = weights + first + (nint)(phase.KernelRows[row] * _shape.Size + phase.KernelColumns[column]) * _shape.Inputs;
                for (var output = place - column * (nint)_shape.Outputs; place < end; place++, output++, target += channels)
                {
                    var ahead = from + Math.Min(output + OutputsAhead, _shape.Outputs - 1) * WeightsOfOutput;
                    for (var channel = 0; channel < channels; channel += 16)
                    {
                        if (Sse.IsSupported)
                            Sse.Prefetch0(ahead + channel);
                        Vector512.Load(from + output * WeightsOfOutput + channel).Store(target + channel);
                    }
                }
            }
    }

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
                    (nint)rows.Length * columns.Length * _shape.Outputs,
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
