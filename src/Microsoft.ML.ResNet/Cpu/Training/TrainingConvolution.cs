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
        _kernel = ConvolutionKernel.For(Shape, batchSize);
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

    /// <summary>Blocks of input channels.</summary>
    public int InputBlocks => _kernel.InputBlocks;

    /// <summary>Images that are best computed as a group where weights are few.</summary>
    public int GroupSize => _kernel.GroupSize;

    /// <summary>Whether the gradient of the weights is gathered a block of outputs at a time, or else by shards.</summary>
    public bool GradientIsByBlock => _kernel.GradientIsByBlock;

    /// <summary>Floats that an input with its border takes.</summary>
    public long PaddedInputLength => _kernel.PaddedInputLength;

    /// <summary>Floats that a gradient of the output with its border takes.</summary>
    public long PaddedGradientLength => _kernel.PaddedGradientLength;

    /// <summary>Floats that an input in panels takes; see <see cref="PackPanels"/>.</summary>
    public long PanelsLength => _kernel.PanelsLength;

    /// <summary>Floats of the weights as the kernel reads them, in either direction.</summary>
    public long PackedLength => _kernel.PackedLength;

    /// <summary>Floats of what the shards that are computed here gather for the gradient of the weights.</summary>
    public long ShardSumsLength
        => !GradientIsByBlock ? _shards.Own.Count * _kernel.SumsLength : _shards.Size == 1 ? SumsLength : 0;

    /// <summary>Floats of scratch memory that a worker takes.</summary>
    public long ScratchLength => GradientIsByBlock
        ? Math.Max(_kernel.ScratchLength, _kernel.CompactLength + ShardTree.Depth(_shards.Shards) * _kernel.BlockSumsLength)
        : _kernel.ScratchLength;

    /// <summary>Floats of the sums that a subtree of shards gathers for the gradient of the weights.</summary>
    public long SumsLength => Shape.WeightLength;

    /// <summary>How the output is normalised; known after <see cref="EndForward"/>.</summary>
    public ChannelNorm Norm => new(Mean, Scale, Shift);

    private bool HasNorm => _step.Norm is not null;

    private int Pixels => Shape.OutputHeight * Shape.OutputWidth;

    private float* Mean => _figures.Pointer;

    private float* Scale => _figures.Pointer + Shape.Outputs;

    private float* Shift => _figures.Pointer + 2 * Shape.Outputs;

    private float* Slope => _figures.Pointer + 3 * Shape.Outputs;

    private float* Offset => _figures.Pointer + 4 * Shape.Outputs;

    /// <summary>The output of an image, before normalisation.</summary>
    public float* Output(int image) => _output.Pointer + (nint)image * Shape.OutputLength;

    /// <summary>
    /// Gives a convolution of many weights memory that others use as well: what it holds is lost as soon as these are computed.
    /// </summary>
    /// <param name="packed">The weights for one direction: <see cref="PackedLength"/> floats.</param>
    /// <param name="sums">What shards gather: <see cref="ShardSumsLength"/> floats.</param>
    public void Share(float* packed, float* sums) => UseMemory(packed, packed, sums);

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

    /// <summary>Packs one of <see cref="Blocks"/> of the weights for <see cref="Forward"/>.</summary>
    public void PackForward(int block, float* scratch) => _kernel.PackForward(block, _weights, _packedForward, scratch);

    /// <summary>Packs one of <see cref="InputBlocks"/> of the weights for <see cref="BackwardInput"/>.</summary>
    public void PackBackward(int block, float* scratch) => _kernel.PackBackward(block, _weights, _packedBackward, scratch);

    /// <summary>Convolves a group of images.</summary>
    public void Forward(float* padded, int first, int images, float* scratch)
        => _kernel.Forward(padded, _packedForward, Output(first), images, scratch);

    /// <summary>Measures the outputs of some images of a shard, after those before them.</summary>
    public void Measure(int first, int images, int shard)
    {
        if (!HasNorm)
            return;
        fixed (double* sums = &_moments[shard * 2 * Shape.Outputs])
            for (var image = first; image < first + images; image++, _pixelsOfShard[shard] += Pixels)
                ChannelKernels.AddMoments(Output(image), Pixels, Shape.Outputs, _pixelsOfShard[shard], sums, sums + Shape.Outputs);
    }

    /// <summary>Learns the statistics of the batch, and moves the running ones.</summary>
    public void EndForward()
    {
        if (!HasNorm)
        {
            for (var channel = 0; channel < Shape.Outputs; channel++)
                (Mean[channel], Scale[channel], Shift[channel]) = (-BiasOf(channel), 1, 0);
            return;
        }
        _shards.Complete(_moments);
        for (var shard = 0; shard < _pixelsOfShard.Length; shard++)
            _pixelsOfShard[shard] = (long)(_shards.FirstImage(_images, shard + 1) - _shards.FirstImage(_images, shard)) * Pixels;
        for (var channel = 0; channel < Shape.Outputs; channel++)
        {
            var (mean, squares, count) = MomentsOf(channel);
            var variance = squares / count;
            _runningMean[channel] = Moved(_runningMean[channel], mean + BiasOf(channel));
            _runningVariance[channel] = Moved(_runningVariance[channel], squares / (count - 1));
            _deviations[channel] = Math.Sqrt(variance + BatchNormalization.Epsilon);
            Mean[channel] = (float)mean;
            Scale[channel] = (float)(_normWeight[channel] / _deviations[channel]);
            Shift[channel] = _normBias[channel];
        }
        Array.Clear(_moments); // from here on: sums of gradients
    }

    /// <summary>
    /// Masks the gradient of this layer's normalised and rectified output, and gathers what the gradient through the normalisation needs.
    /// </summary>
    public void MaskByNorm(float* gradient, int image, int shard)
    {
        fixed (double* sums = &_moments[shard * 2 * Shape.Outputs])
            ChannelKernels.MaskByNorm(gradient, Output(image), Pixels, Shape.Outputs, Norm, sums, sums + Shape.Outputs);
    }

    /// <summary>
    /// Masks the gradient of a sum of this layer's normalised output and another, once rectified, and gathers what the gradient through the
    /// normalisation needs.
    /// </summary>
    public void MaskByOutput(float* gradient, float* output, int image, int shard)
    {
        fixed (double* sums = &_moments[shard * 2 * Shape.Outputs])
            ChannelKernels.MaskByOutput(gradient, output, Output(image), Pixels, Shape.Outputs, Norm, sums, sums + Shape.Outputs);
    }

    /// <summary>Gathers what the gradient through the normalisation needs, from the gradient of the normalised output.</summary>
    public void AddSums(float* gradient, int image, int shard)
    {
        fixed (double* sums = &_moments[shard * 2 * Shape.Outputs])
            ChannelKernels.AddSums(gradient, Output(image), Pixels, Shape.Outputs, Norm, sums, sums + Shape.Outputs);
    }

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

    /// <summary>
    /// Adds up what was gathered: the gradients of the normalisation's weights, or else of the bias, and how gradients go through it.
    /// </summary>
    public void BeginBackward()
    {
        _shards.Complete(_moments);
        var count = (double)_images * Pixels;
        for (var channel = 0; channel < Shape.Outputs; channel++)
        {
            var (sum, product) = (0.0, 0.0);
            for (var shard = 0; shard < _shards.Shards; shard++)
            {
                sum += _moments[shard * 2 * Shape.Outputs + channel];
                product += _moments[(shard * 2 + 1) * Shape.Outputs + channel];
            }
            if (!HasNorm)
            {
                (Slope[channel], Offset[channel]) = (0, 0);
                if (_biasGradient is not null)
                    _biasGradient[channel] += (float)sum;
                continue;
            }
            _normWeightGradient[channel] += (float)(product / _deviations[channel]);
            _normBiasGradient[channel] += (float)sum;
            Slope[channel] = (float)(-Scale[channel] * product / (_deviations[channel] * _deviations[channel] * count));
            Offset[channel] = (float)(-Scale[channel] * sum / count);
        }
    }

    /// <summary>
    /// Brings the gradient of an image's normalised output through the normalisation, into a scratch image with a border.
    /// </summary>
    public void LoadGradient(float* gradient, int image, float* padded)
    {
        var (rowLength, border) = (Shape.OutputWidth * Shape.Outputs, Shape.Padding * Shape.Outputs);
        var norm = new ChannelNormGradient(Mean, Scale, Slope, Offset);
        var output = Output(image);
        padded = PaddedImage.ClearBorder(padded, Shape.OutputHeight, rowLength, Shape.Padding, border);
        for (var row = 0; row < Shape.OutputHeight; row++, padded += rowLength + 2 * border, gradient += rowLength, output += rowLength)
            ChannelKernels.NormGradient(gradient, output, Shape.OutputWidth, Shape.Outputs, norm, padded);
    }

    /// <summary>Computes the gradients of the inputs of a group of images.</summary>
    public void BackwardInput(float* paddedGradient, float* gradient, int images, bool adds, float* scratch)
        => _kernel.BackwardInput(paddedGradient, _packedBackward, gradient, images, adds, scratch);

    /// <summary>Brings an input image into a scratch image with a border.</summary>
    public void LoadInput(float* image, float* padded)
        => PaddedImage.Load(image, padded, Shape.Height, Shape.Width * Shape.Inputs, Shape.Padding, Shape.Padding * Shape.Inputs);

    /// <summary>
    /// Brings this layer's normalised and rectified output into a scratch image with a border, as the next layer's input.
    /// </summary>
    public void LoadOutput(int image, float* padded, int padding)
    {
        var (rowLength, border) = (Shape.OutputWidth * Shape.Outputs, padding * Shape.Outputs);
        var output = Output(image);
        padded = PaddedImage.ClearBorder(padded, Shape.OutputHeight, rowLength, padding, border);
        for (var row = 0; row < Shape.OutputHeight; row++, padded += rowLength + 2 * border, output += rowLength)
            ChannelKernels.NormalizeRelu(output, Shape.OutputWidth, Shape.Outputs, Norm, padded);
    }

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

    private void UseMemory(float* packedForward, float* packedBackward, float* sums)
    {
        _packedForward = packedForward;
        _packedBackward = packedBackward;
        _sums = sums;
    }

    private float BiasOf(int channel) => _bias is null ? 0 : _bias[channel];

    private static float Moved(float running, double batch)
        => (float)((1 - BatchNormalization.Momentum) * running + BatchNormalization.Momentum * batch);

    private (double Mean, double Squares, long Count) MomentsOf(int channel)
    {
        var (mean, squares, count) = (0.0, 0.0, 0L);
        for (var shard = 0; shard < _pixelsOfShard.Length; shard++)
        {
            var added = _pixelsOfShard[shard];
            if (added == 0)
                continue;
            var difference = _moments[shard * 2 * Shape.Outputs + channel] - mean;
            mean += difference * added / (count + added);
            squares += _moments[(shard * 2 + 1) * Shape.Outputs + channel] + difference * difference * count * added / (count + added);
            count += added;
        }
        return (mean, squares, count);
    }
}
