using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Microsoft.ML.ResNet.Cpu.Kernels;
using Microsoft.ML.ResNet.Network.Torch;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Cpu.Training;

/// <summary>
/// Forward and backward through a network while it is trained, on CPUs with 512-bit vectors: the same numbers as
/// <see cref="ResidualNetwork"/> and autograd give, but for rounding, in a third of the passes over memory. Batch normalisation,
/// rectification and addition happen while convolutions read and write; what is kept for the way back is the output of each convolution and
/// of each block.
/// </summary>
internal sealed unsafe class TrainingNetwork : IDisposable
{
    private const int MostFloats = 1 << 28; // of a map of one image: places in it must fit an int

    private readonly List<TrainingBlock> _blocks = []; // the stem first, unless it is frozen
    private readonly List<TrainingConvolution> _convolutions;
    private readonly WorkerTeam _team;
    private readonly NativeBuffer[] _inputs; // for each worker: an image with its border
    private readonly NativeBuffer[] _gradients; // the same
    private readonly NativeBuffer[] _scratch; // for each worker: what a kernel takes
    private readonly NativeBuffer _wideInputs = new(); // for wide convolutions: all images with their borders
    private readonly NativeBuffer _wideGradients = new();
    private readonly NativeBuffer _features = new();
    private readonly NativeBuffer[] _between = [new(), new(), new(), new()]; // gradients on the way back: two between blocks, two inside
    private float* _images;
    private int _count;

    /// <param name="network">A network that <see cref="Supports"/> finds fit; its weights stay its own.</param>
    /// <param name="height">Rows of what <see cref="Forward"/> reads.</param>
    /// <param name="width">Columns of that.</param>
    /// <param name="threads">Threads to compute with; at least 1.</param>
    public TrainingNetwork(ResidualNetwork network, int height, int width, int threads)
    {
        if (!network.HasFrozenStem)
            _blocks.Add(
                new TrainingBlock([new TrainingConvolution(network.Stem.Convolution, network.Stem.Norm, height, width)], addsInput: false,
                projection: null));
        foreach (var block in network.TrainedBlocks)
        {
            _blocks.Add(Fuse((IResidualBlock)block, height, width));
            (height, width) = (_blocks[^1].Chain[^1].Shape.OutputHeight, _blocks[^1].Chain[^1].Shape.OutputWidth);
        }
        _convolutions = [.. _blocks.SelectMany(block => block.Convolutions)];
        _inputs = ForEachWorker(convolution => convolution.Shape.IsWide ? 0 : convolution.PaddedInputLength);
        _gradients = ForEachWorker(convolution => convolution.Shape.IsWide ? 0 : convolution.PaddedGradientLength);
        _scratch = ForEachWorker(convolution => convolution.ScratchLength);
        _team = new WorkerTeam(threads); // last: nothing that fails leaves threads behind

        NativeBuffer[] ForEachWorker(Func<TrainingConvolution, int> length)
            => [.. Enumerable.Range(0, Math.Max(1, threads)).Select(_ => new NativeBuffer(_convolutions.Max(length)))];
    }

    /// <summary>Whether a network can be trained this way on this machine.</summary>
    /// <param name="network">The network.</param>
    /// <param name="height">Rows of an image.</param>
    /// <param name="width">Columns of an image.</param>
    public static bool Supports(ResidualNetwork network, int height, int width)
    {
        var architecture = network.Architecture;
        return (long)height * width * architecture.FeatureWidth <= MostFloats && ResNetRuntime.Options.FusedTraining
            && network.Precision == TrainingPrecision.Full && Vector512.IsHardwareAccelerated && architecture.Stem == ResNetStem.Cifar
            && !architecture.ConvolutionBias && architecture.Shortcut == ResNetShortcut.Projection
            && network.TrainedBlocks.Any()
                && (network.HasFrozenStem || CanLearn(network.Stem.Convolution) && CanLearn(network.Stem.Norm)
                && network.Stem.Convolution.weight.shape[0] % 16 == 0)
            && network.TrainedBlocks.All(CanLearn) && network.TrainedBlocks.SelectMany(block => block.parameters())
                .Where(weight => weight.dim() == 4).All(weight => weight.shape[0] % 16 == 0 && weight.shape[1] % 16 == 0);

        static bool CanLearn(nn.Module part) => part.parameters().All(weight => weight.requires_grad && TensorMemory.IsDense(weight));
    }

    /// <summary>Images to features.</summary>
    /// <param name="images">
    /// Normalised images, through what is frozen (<see cref="ResidualNetwork.PassFrozen"/>): float32, (N, C, H, W) in channels-last memory;
    /// they must stay until <see cref="Backward"/> is done.
    /// </param>
    /// <returns>The pooled features: float32, (N, feature width), a leaf that wants a gradient; the caller owns it.</returns>
    public Tensor Forward(Tensor images)
    {
        _count = (int)images.shape[0];
        _images = TensorMemory.PointerTo(images);
        _wideInputs.EnsureLength(_count * Wide(convolution => convolution.PaddedInputLength));
        _wideGradients.EnsureLength(_count * Wide(convolution => convolution.PaddedGradientLength));
        _team.Run(_convolutions.Count, (index, _) => _convolutions[^(index + 1)].BeginForward(_count)); // the last have most weights
        for (var index = 0; index < _blocks.Count; index++)
        {
            _blocks[index].EnsureRoom(_count);
            Convolve(index);
        }
        return Pool();
    }

    /// <summary>The way back: adds the gradients of all weights that train, but the classifier's, to what they have.</summary>
    /// <param name="gradient">The gradient of the features: float32, (N, feature width).</param>
    public void Backward(Tensor gradient)
    {
        using var scope = NewDisposeScope();
        var features = TensorMemory.PointerTo(gradient.contiguous());
        foreach (var between in _between)
            between.EnsureLength(
                (long)_count
                * _blocks.Max(block => Math.Max(block.OutputLength, block.Convolutions.Max(convolution => convolution.Shape.InputLength))));
        _team.Run(_convolutions.Count, (index, _) => _convolutions[index].PrepareBackward());
        var (outer, other) = (_between[0], _between[1]);
        var last = _blocks[^1];
        ForEachImage((image, piece) =>
        {
            var target = outer.Pointer + (nint)image * last.OutputLength;
            ChannelKernels.PoolGradient(features + (nint)image * last.OutputChannels, last.OutputPixels, last.OutputChannels, target);
            last.Mask(target, image, piece);
        });
        for (var index = _blocks.Count - 1; index >= 0; index--)
            if (BackwardBlock(index, outer, other))
                (outer, other) = (other, outer);
        _team.Run(_convolutions.Count, (index, _) => _convolutions[^(index + 1)].EndBackward());
    }

    /// <summary>Ends the threads and frees what is kept.</summary>
    public void Dispose()
    {
        _team.Dispose();
        foreach (var memory in (IEnumerable<NativeBuffer>)[.. _inputs, .. _gradients, .. _scratch, .. _between, _wideInputs,
            _wideGradients, _features])
            memory.Dispose();
        foreach (var block in _blocks)
            block.Dispose();
    }

    private static TrainingBlock Fuse(IResidualBlock block, int height, int width)
    {
        var projection = block.Projection is var (convolved, normed) ? new TrainingConvolution(convolved, normed, height, width) : null;
        var chain = new List<TrainingConvolution>();
        foreach (var (convolution, norm) in block.Chain)
        {
            chain.Add(new TrainingConvolution(convolution, norm, height, width));
            (height, width) = (chain[^1].Shape.OutputHeight, chain[^1].Shape.OutputWidth);
        }
        return new TrainingBlock(chain, addsInput: projection is null, projection);
    }

    // A block: its first convolution while the rectified sum of the block before is computed, those behind it, and the projection.
    private void Convolve(int index)
    {
        var (block, before) = (_blocks[index], index > 0 ? _blocks[index - 1] : null);
        Convolve(block.Chain[0], (image, padded) =>
        {
            before?.Activate(Input(index - 1, image), image);
            block.Chain[0].LoadInput(Input(index, image), padded);
        });
        for (var link = 1; link < block.Chain.Count; link++)
        {
            var (linked, convolution) = (block.Chain[link - 1], block.Chain[link]);
            Convolve(convolution, (image, padded) => linked.LoadOutput(image, padded, convolution.Shape.Padding));
        }
        if (block.Projection is { } projection)
            Convolve(projection, (image, padded) => projection.LoadInput(Input(index, image), padded));
    }

    private void Convolve(TrainingConvolution convolution, Load loadInput)
    {
        ForEachGroup(convolution, (first, images, piece, inputs, _, scratch) =>
        {
            for (var i = 0; i < images; i++)
                loadInput(first + i, inputs + (nint)i * convolution.PaddedInputLength);
            convolution.Forward(inputs, first, images, piece, scratch);
        });
        convolution.EndForward();
    }

    private Tensor Pool()
    {
        var last = _blocks[^1];
        _features.EnsureLength((long)_count * last.OutputChannels);
        ForEachImage((image, _) =>
        {
            last.Activate(Input(_blocks.Count - 1, image), image);
            ChannelKernels.Pool(last.Output(image), last.OutputPixels, last.OutputChannels,
                _features.Pointer + (nint)image * last.OutputChannels);
        });
        var features = empty(_count, last.OutputChannels);
        MemoryMarshal.AsBytes(new ReadOnlySpan<float>(_features.Pointer, _count * last.OutputChannels)).CopyTo(features.bytes);
        return features.requires_grad_(true);
    }

    // Takes the masked gradient of a block's output, and leaves that of the block before: in place, or, with a projection, in the other
    // memory.
    private bool BackwardBlock(int index, NativeBuffer outer, NativeBuffer other)
    {
        var (block, before) = (_blocks[index], index > 0 ? _blocks[index - 1] : null);
        NativeBuffer gradient = outer, free = _between[2], next = _between[3];
        for (var link = block.Chain.Count - 1; link > 0; link--)
        {
            var (convolution, linked) = (block.Chain[link], block.Chain[link - 1]);
            BackwardConvolution(convolution, gradient.Pointer,
                (image, padded) => linked.LoadOutput(image, padded, convolution.Shape.Padding), free.Pointer, adds: false,
                (target, image, piece) => linked.MaskByNorm(target, image, piece));
            (gradient, free, next) = (free, next, free);
        }
        // the shortcut's gradient is there already, or comes after
        var to = before is null ? null : (block.Projection is null ? outer : other).Pointer;
        Finish masks = (target, image, piece) => before?.Mask(target, image, piece);
        BackwardConvolution(block.Chain[0], gradient.Pointer, (image, padded) => block.Chain[0].LoadInput(Input(index, image), padded), to,
            adds: block.Projection is null,
            block.Projection is null ? masks : null);
        if (block.Projection is { } projection)
            BackwardConvolution(projection, outer.Pointer, (image, padded) => projection.LoadInput(Input(index, image), padded), to,
                adds: true, masks);
        return block.Projection is not null;
    }

    private void BackwardConvolution(TrainingConvolution convolution, float* from, Load loadInput, float* to, bool adds, Finish? finish)
    {
        convolution.BeginBackward();
        ForEachGroup(convolution, (first, images, piece, inputs, gradients, scratch) =>
        {
            for (var i = 0; i < images; i++)
                convolution.LoadGradient(from + (nint)(first + i) * convolution.Shape.OutputLength, first + i,
                    gradients + (nint)i * convolution.PaddedGradientLength);
            if (to is not null)
                convolution.BackwardInput(gradients, to + (nint)first * convolution.Shape.InputLength, images, adds, scratch);
            for (var i = 0; i < images; i++)
            {
                loadInput(first + i, inputs + (nint)i * convolution.PaddedInputLength);
                if (!convolution.Shape.IsWide)
                    convolution.BackwardWeights(inputs, gradients, piece, scratch);
                if (to is not null)
                    finish?.Invoke(to + (nint)(first + i) * convolution.Shape.InputLength, first + i, piece);
            }
        }, convolution.BeginBackwardWeights);
        if (convolution.Shape.IsWide)
            _team.Run(ConvolutionMicroKernel.BlocksOf(convolution.Shape.Outputs),
                (block, worker)
                => convolution.BackwardWeightsOfBlock(block, _wideInputs.Pointer, _wideGradients.Pointer, _scratch[worker].Pointer));
    }

    // What a block reads: images, or what is frozen makes of them, or the output of the block before.
    private float* Input(int index, int image)
        => index == 0 ? _images + (nint)image * _blocks[0].Chain[0].Shape.InputLength : _blocks[index - 1].Output(image);

    private long Wide(Func<TrainingConvolution, int> length)
        => _convolutions.Where(convolution => convolution.Shape.IsWide).Select(length).DefaultIfEmpty().Max();

    // Image by image in the scratch memory of a worker; with a wide convolution a piece at a time, in memory that holds all images.
    private void ForEachGroup(TrainingConvolution convolution, GroupWork work, Action<int>? beginPiece = null)
        => ForEachPiece((first, end, piece, worker) =>
    {
        beginPiece?.Invoke(piece);
        if (convolution.Shape.IsWide)
            work(first, end - first, piece, _wideInputs.Pointer + (nint)first * convolution.PaddedInputLength,
                _wideGradients.Pointer + (nint)first * convolution.PaddedGradientLength, _scratch[worker].Pointer);
        else
            for (var image = first; image < end; image++)
                work(image, 1, piece, _inputs[worker].Pointer, _gradients[worker].Pointer, _scratch[worker].Pointer);
    });

    private void ForEachImage(Action<int, int> work) => ForEachPiece((first, end, piece, _) =>
    {
        for (var image = first; image < end; image++)
            work(image, piece);
    });

    // Pieces are as even as they can be, and the same whatever the number of threads.
    private void ForEachPiece(Action<int, int, int, int> work)
        => _team.Run(TrainingConvolution.Pieces,
            (piece, worker)
            => work(_count * piece / TrainingConvolution.Pieces, _count * (piece + 1) / TrainingConvolution.Pieces, piece, worker));

    // Brings what a convolution reads of an image into scratch memory, with a border.
    private delegate void Load(int image, float* padded);

    // What happens to the gradient of an image once it is complete.
    private delegate void Finish(float* gradient, int image, int piece);

    private delegate void GroupWork(int first, int images, int piece, float* inputs, float* gradients, float* scratch);
}
