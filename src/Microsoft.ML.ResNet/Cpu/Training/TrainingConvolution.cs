using Microsoft.ML.ResNet.Cpu.Kernels;
using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Cpu.Training;

/// <summary>
/// A convolution and the batch normalisation behind it, for training. The output of the convolution is kept as it is; readers normalise
/// while they read. Each pass is a loop over images between a <c>Begin</c> and an <c>End</c>. Shards of the batch gather sums of their own,
/// which are then added in order, so that results do not depend on which thread did what.
/// </summary>
/// <remarks>
/// A bias is added by those who read: batch normalisation takes it away again, so that in front of one only the running mean tells of it,
/// and its gradient is 0, which autograd finds but for rounding. Without a normalisation readers apply the one that adds the bias.
/// </remarks>
internal sealed unsafe partial class TrainingConvolution : IDisposable
{
    private readonly ConvolutionStep _step;
    private readonly ConvolutionKernel _kernel;
    private readonly NativeBuffer _output = new();
    private readonly NativeBuffer _figures; // mean, scale, shift, slope, offset: a row of channels each
    private readonly NativeBuffer _ownForward, _ownBackward, _ownSums; // where weights are few: these, packed, and the sums of the shards
    private readonly NativeBuffer _nodeSums; // where weights are many, and there are several processes
    private readonly double[] _moments; // for each shard: two rows of channels
    private readonly double[] _deviations; // of the batch: its channels are divided by them
    private readonly long[] _pixelsOfShard;
    private readonly ShardGroup _shards;
    private readonly IReadOnlyList<ShardTree.Node> _nodes; // the largest subtrees of the shards that are computed here
    private float* _packedForward, _packedBackward, _sums, _weights; // the last: as the parameters are
    private int _images; // of the batch, wherever they are computed
    private float* _bias, _normWeight, _normBias, _runningMean, _runningVariance; // of this step, as the gradients are
    private float* _weightGradient, _biasGradient, _normWeightGradient, _normBiasGradient;

    /// <param name="step">A step of a plan all of whose steps have kernels: <see cref="TrainablePlan"/>.</param>
    /// <param name="shards">Shards that a batch is cut into, and who computes them; sums are gathered for each.</param>
    /// <param name="batchSize">Images of a batch, as a rule.</param>
    public TrainingConvolution(ConvolutionStep step, ShardGroup shards, int batchSize)
    {
        (_step, _shards) = (step, shards);
        _nodes = ShardTree.Largest(shards.Shards, shards.Own);
        _pixelsOfShard = new long[shards.Shards];
        Shape = ShapeOf(step);
        _kernel = ConvolutionKernel.For(Shape, batchSize, shards.Shards);
        _figures = new NativeBuffer(5 * Shape.Outputs);
        _moments = new double[shards.Shards * 2 * Shape.Outputs];
        _deviations = new double[Shape.Outputs];
        _nodeSums = new NativeBuffer(Shape.IsWide && shards.Size > 1 ? _nodes.Count * SumsLength : 0);
        _ownForward = new NativeBuffer(Shape.IsWide ? 0 : PackedLength);
        _ownBackward = new NativeBuffer(Shape.IsWide ? 0 : PackedLength);
        _ownSums = new NativeBuffer(Shape.IsWide ? 0 : ShardSumsLength);
        UseMemory(_ownForward.Pointer, _ownBackward.Pointer, _ownSums.Pointer);
    }

    /// <summary>The shape of the convolution.</summary>
    public ConvolutionShape Shape { get; }

    /// <summary>The shape of a step's convolution.</summary>
    public static ConvolutionShape ShapeOf(ConvolutionStep step)
        => new(step.Input.Output.Channels, step.Output.Channels, step.Kernel, step.Stride,
        step.Input.Output.Height, step.Input.Output.Width);

    /// <summary>Blocks of output channels, of which each can be computed by itself.</summary>
    public int Blocks => _kernel.Blocks;

    /// <summary>Blocks of input channels; 0 for an image's.</summary>
    public int InputBlocks => _kernel.InputBlocks;

    /// <summary>Images that are best computed as a group where weights are few.</summary>
    public int GroupSize => _kernel.GroupSize;

    /// <summary>Whether a block of channels is computed at a time, for all images; such a convolution has no packed weights.</summary>
    public bool IsByBlock => _kernel.IsByBlock;

    /// <summary>Whether the gradient of the weights is gathered a block of outputs at a time, or else by shards.</summary>
    public bool GradientIsByBlock => _kernel.GradientIsByBlock;

    /// <summary>Floats that an input with its border takes.</summary>
    public long PaddedInputLength => _kernel.PaddedInputLength;

    /// <summary>Floats that a gradient of the output with its border takes.</summary>
    public long PaddedGradientLength => _kernel.PaddedGradientLength;

    /// <summary>Floats that an input in panels takes; see <see cref="PackPanels"/>.</summary>
    public long PanelsLength => _kernel.PanelsLength;

    /// <summary>Floats of the weights as the kernel reads them, in either direction.</summary>
    public long PackedLength => IsByBlock ? 0 : _kernel.PackedLength;

    /// <summary>Floats of what the shards that are computed here gather for the gradient of the weights.</summary>
    public long ShardSumsLength => GradientIsByBlock ? 0 : _shards.Own.Count * _kernel.SumsLength;

    /// <summary>Floats of scratch memory that a worker takes.</summary>
    public long ScratchLength => GradientIsByBlock
        ? Math.Max(_kernel.ScratchLength, _kernel.CompactLength + (1 + ShardTree.Depth(_shards.Shards)) * _kernel.BlockSumsLength)
        : _kernel.ScratchLength;

    /// <summary>Floats of the sums that a subtree of shards gathers for the gradient of the weights.</summary>
    public long SumsLength => Shape.WeightLength;

    /// <summary>The output of an image, before normalisation.</summary>
    public float* Output(int image) => _output.Pointer + (nint)image * Shape.OutputLength;

    /// <summary>Finds the parameters, packs the weights where they are few, and makes room for the images.</summary>
    /// <param name="images">Images in the batch.</param>
    /// <param name="own">How many of them are computed here.</param>
    /// <param name="parameters">Where the weights lie.</param>
    /// <param name="scratch"><see cref="ScratchLength"/> floats.</param>
    public void BeginForward(int images, int own, IParameterMemory parameters, float* scratch)
    {
        _images = images;
        _output.EnsureLength((long)own * Shape.OutputLength);
        _weights = parameters.Values($"{_step.Name}.weight");
        _bias = _step.HasBias ? parameters.Values($"{_step.Name}.bias") : null;
        if (HasNorm)
        {
            _normWeight = parameters.Values($"{_step.Norm}.weight");
            _normBias = parameters.Values($"{_step.Norm}.bias");
            _runningMean = parameters.Values($"{_step.Norm}.running_mean");
            _runningVariance = parameters.Values($"{_step.Norm}.running_var");
        }
        Array.Clear(_moments);
        Array.Clear(_pixelsOfShard);
        if (Shape.IsWide)
            return;
        for (var block = 0; block < Blocks; block++)
            PackForward(block, scratch);
        for (var block = 0; block < InputBlocks; block++)
            PackBackward(block, scratch);
    }

    /// <summary>Convolves a group of images.</summary>
    public void Forward(float* padded, int first, int images, float* scratch)
        => _kernel.Forward(padded, _packedForward, Output(first), images, scratch);

    /// <summary>Computes one of <see cref="Blocks"/> of the outputs of all images that are computed here.</summary>
    public void ForwardOfBlock(int block, float* padded, int images, float* scratch)
        => _kernel.ForwardOfBlock(block, padded, _weights, _output.Pointer, images, scratch);

    /// <summary>Finds the gradients of the parameters.</summary>
    public void PrepareBackward(IParameterMemory parameters)
    {
        _weightGradient = parameters.Gradient($"{_step.Name}.weight");
        _biasGradient = _step.HasBias ? parameters.Gradient($"{_step.Name}.bias") : null;
        if (HasNorm)
        {
            _normWeightGradient = parameters.Gradient($"{_step.Norm}.weight");
            _normBiasGradient = parameters.Gradient($"{_step.Norm}.bias");
        }
    }

    /// <summary>Computes the gradients of the inputs of a group of images.</summary>
    public void BackwardInput(float* paddedGradient, float* gradient, int images, bool adds, float* scratch)
        => _kernel.BackwardInput(paddedGradient, _packedBackward, gradient, images, adds, scratch);

    /// <summary>Computes one of <see cref="InputBlocks"/> of the gradients of the inputs of all images that are computed here.</summary>
    public void BackwardInputOfBlock(int block, float* paddedGradient, float* gradient, int images, bool adds, float* scratch)
        => _kernel.BackwardInputOfBlock(block, paddedGradient, _weights, gradient, images, adds, scratch);

    /// <summary>Brings an input image into a scratch image with a border.</summary>
    public void LoadInput(float* image, float* padded)
        => PaddedImage.Load(image, padded, Shape.Height, Shape.Width * Shape.Inputs, Shape.Padding, Shape.Padding * Shape.Inputs);

    /// <summary>Frees what is kept.</summary>
    public void Dispose()
    {
        _output.Dispose();
        _figures.Dispose();
        _ownForward.Dispose();
        _ownBackward.Dispose();
        _ownSums.Dispose();
        _nodeSums.Dispose();
    }
}
