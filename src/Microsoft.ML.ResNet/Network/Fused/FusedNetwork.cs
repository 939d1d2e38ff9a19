using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Microsoft.ML.ResNet.Kernels;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Network.Fused;

/// <summary>
/// Forward and backward through a network while it is trained, on CPUs with 512-bit vectors: the same numbers as
/// <see cref="ResidualNetwork"/> and autograd give, but for rounding, in a third of the passes over memory. Batch normalisation, rectification and
/// addition happen while convolutions read and write; what is kept for the way back is the output of each convolution and of each block.
/// </summary>
internal sealed unsafe class FusedNetwork : IDisposable
{
    private const int MostWeights = 3 * 3 * 64 * 64; // of a convolution: 144 KiB, which stay in the second-level cache; with more, libtorch is faster

    private readonly List<FusedBlock> _blocks = []; // the stem first
    private readonly List<FusedConvolution> _convolutions;
    private readonly WorkerTeam _team;
    private readonly NativeFloats[] _inputs; // for each worker: an image with its border
    private readonly NativeFloats[] _gradients; // the same
    private readonly NativeFloats _features = new();
    private readonly NativeFloats[] _between = [new(), new(), new(), new()]; // gradients on the way back: two between blocks, two inside
    private float* _images;
    private int _count;

    /// <param name="network">A network that <see cref="Supports"/> finds fit; its weights stay its own.</param>
    /// <param name="height">Rows of an image.</param>
    /// <param name="width">Columns of an image.</param>
    /// <param name="threads">Threads to compute with; at least 1.</param>
    public FusedNetwork(ResidualNetwork network, int height, int width, int threads)
    {
        var stem = new FusedConvolution(network.Stem.Convolution, network.Stem.Norm, height, width);
        _blocks.Add(new FusedBlock([stem], addsInput: false, projection: null));
        foreach (var block in network.Blocks)
            _blocks.Add(Fuse(block, _blocks[^1].Chain[^1].Shape));
        _convolutions = [.. _blocks.SelectMany(block => block.Convolutions)];
        _team = new WorkerTeam(threads);
        var scratch = _convolutions.Max(convolution => convolution.ScratchLength);
        _inputs = [.. Enumerable.Range(0, _team.Size).Select(_ => new NativeFloats(scratch))];
        _gradients = [.. Enumerable.Range(0, _team.Size).Select(_ => new NativeFloats(scratch))];
    }

    /// <summary>Whether a network can be trained this way on this machine.</summary>
    public static bool Supports(ResidualNetwork network)
    {
        var architecture = network.Architecture;
        return ResNetRuntime.Options.FusedTraining && Vector512.IsHardwareAccelerated && architecture.Stem == ResNetStem.Cifar && !architecture.ConvolutionBias && architecture.Shortcut == ResNetShortcut.Projection
            && network.parameters().All(weight => weight.requires_grad && TensorMemory.IsDense(weight))
            && network.parameters().Where(weight => weight.dim() == 4).All(weight => weight.shape[0] % 16 == 0 && weight.numel() <= MostWeights);
    }

    /// <summary>Images to features.</summary>
    /// <param name="images">Normalised images: float32, (N, C, H, W) in channels-last memory; they must stay until <see cref="Backward"/> is done.</param>
    /// <returns>The pooled features: float32, (N, feature width), a leaf that wants a gradient; the caller owns it.</returns>
    public Tensor Forward(Tensor images)
    {
        _count = (int)images.shape[0];
        _images = Pointer(images);
        _team.Run(_convolutions.Count, (index, _) => _convolutions[index].BeginForward(_count));
        for (var index = 0; index < _blocks.Count; index++)
        {
            _blocks[index].EnsureRoom(_count);
            ForwardFirst(index);
            for (var link = 1; link < _blocks[index].Chain.Count; link++)
                ForwardLink(_blocks[index].Chain[link - 1], _blocks[index].Chain[link]);
        }
        return Pool();
    }

    /// <summary>The way back: adds the gradients of all weights but the classifier's to what they have.</summary>
    /// <param name="gradient">The gradient of the features: float32, (N, feature width).</param>
    public void Backward(Tensor gradient)
    {
        using var scope = NewDisposeScope();
        var features = Pointer(gradient.contiguous());
        foreach (var between in _between)
            between.EnsureLength((long)_count * _blocks.Max(block => Math.Max(block.OutputLength, block.Convolutions.Max(convolution => convolution.Shape.InputLength))));
        var (outer, other) = (_between[0], _between[1]);
        var last = _blocks[^1];
        ForEachImage((image, piece, _) =>
        {
            var target = outer.Pointer + (nint)image * last.OutputLength;
            ChannelKernels.PoolGradient(features + (nint)image * last.OutputChannels, last.OutputPixels, last.OutputChannels, target);
            last.Mask(target, image, piece);
        });
        for (var index = _blocks.Count - 1; index >= 0; index--)
            if (BackwardBlock(index, outer, other))
                (outer, other) = (other, outer);
        _team.Run(_convolutions.Count, (index, _) => _convolutions[index].EndBackward());
    }

    /// <summary>Ends the threads and frees what is kept.</summary>
    public void Dispose()
    {
        _team.Dispose();
        foreach (var memory in _inputs.Concat(_gradients).Concat(_between).Append(_features))
            memory.Dispose();
        foreach (var block in _blocks)
            block.Dispose();
    }

    private static FusedBlock Fuse(IResidualBlock block, ConvolutionShape before)
    {
        var (height, width) = (before.OutputHeight, before.OutputWidth);
        var chain = new List<FusedConvolution>();
        foreach (var (convolution, norm) in block.Chain)
        {
            chain.Add(new FusedConvolution(convolution, norm, height, width));
            (height, width) = (chain[^1].Shape.OutputHeight, chain[^1].Shape.OutputWidth);
        }
        var projection = block.Projection is var (convolved, normed) ? new FusedConvolution(convolved, normed, before.OutputHeight, before.OutputWidth) : null;
        return new FusedBlock(chain, addsInput: projection is null, projection);
    }

    // The first convolution of a block, and its projection, while the rectified sum of the block before is computed.
    private void ForwardFirst(int index)
    {
        var (block, before) = (_blocks[index], index > 0 ? _blocks[index - 1] : null);
        var first = block.Chain[0];
        ForEachImage((image, piece, worker) =>
        {
            var input = Input(index, image);
            before?.Activate(index > 1 ? Input(index - 1, image) : null, image);
            var padded = _inputs[worker].Pointer;
            PaddedImage.Load(input, padded, first.Shape.Height, first.Shape.Width * first.Shape.Inputs, first.Shape.Padding, first.Shape.Padding * first.Shape.Inputs);
            first.Forward(padded, image, piece);
            block.Projection?.Forward(input, image, piece); // of size 1: it needs no border
        });
        first.EndForward();
        block.Projection?.EndForward();
    }

    private void ForwardLink(FusedConvolution before, FusedConvolution convolution)
    {
        ForEachImage((image, piece, worker) =>
        {
            before.LoadOutput(image, _inputs[worker].Pointer, convolution.Shape.Padding);
            convolution.Forward(_inputs[worker].Pointer, image, piece);
        });
        convolution.EndForward();
    }

    private Tensor Pool()
    {
        var last = _blocks[^1];
        _features.EnsureLength((long)_count * last.OutputChannels);
        ForEachImage((image, _, _) =>
        {
            last.Activate(Input(_blocks.Count - 1, image), image);
            ChannelKernels.Pool(last.Output(image), last.OutputPixels, last.OutputChannels, _features.Pointer + (nint)image * last.OutputChannels);
        });
        var features = empty(_count, last.OutputChannels);
        MemoryMarshal.AsBytes(new ReadOnlySpan<float>(_features.Pointer, _count * last.OutputChannels)).CopyTo(features.bytes);
        return features.requires_grad_(true);
    }

    // Takes the masked gradient of a block's output, and leaves that of the block before: in place, or, with a projection, in the other memory.
    private bool BackwardBlock(int index, NativeFloats outer, NativeFloats other)
    {
        var block = _blocks[index];
        var (gradient, free) = (_between[2], _between[3]);
        for (var link = block.Chain.Count - 1; link > 0; link--)
        {
            BackwardLink(block.Chain[link], link == block.Chain.Count - 1 ? outer : gradient, block.Chain[link - 1], free);
            (gradient, free) = (free, gradient);
        }
        BackwardFirst(index, block.Chain.Count == 1 ? outer : gradient, outer, block.Projection is null ? outer : other);
        return block.Projection is not null;
    }

    private void BackwardLink(FusedConvolution convolution, NativeFloats from, FusedConvolution before, NativeFloats to)
    {
        convolution.BeginBackward();
        ForEachImage((image, piece, worker) =>
        {
            float* paddedGradient = _gradients[worker].Pointer, padded = _inputs[worker].Pointer;
            var target = to.Pointer + (nint)image * convolution.Shape.InputLength;
            convolution.LoadGradient(from.Pointer + (nint)image * convolution.Shape.OutputLength, image, paddedGradient);
            convolution.BackwardInput(paddedGradient, target, adds: false);
            before.LoadOutput(image, padded, convolution.Shape.Padding);
            convolution.BackwardWeights(padded, paddedGradient, piece);
            before.MaskByNorm(target, image, piece);
        });
    }

    private void BackwardFirst(int index, NativeFloats from, NativeFloats outer, NativeFloats to)
    {
        var (block, before) = (_blocks[index], index > 0 ? _blocks[index - 1] : null);
        var first = block.Chain[0];
        first.BeginBackward();
        block.Projection?.BeginBackward();
        ForEachImage((image, piece, worker) =>
        {
            float* paddedGradient = _gradients[worker].Pointer, padded = _inputs[worker].Pointer, input = Input(index, image);
            first.LoadGradient(from.Pointer + (nint)image * first.Shape.OutputLength, image, paddedGradient);
            PaddedImage.Load(input, padded, first.Shape.Height, first.Shape.Width * first.Shape.Inputs, first.Shape.Padding, first.Shape.Padding * first.Shape.Inputs);
            first.BackwardWeights(padded, paddedGradient, piece);
            if (before is null)
                return;
            var target = to.Pointer + (nint)image * first.Shape.InputLength;
            first.BackwardInput(paddedGradient, target, adds: block.Projection is null); // the shortcut's gradient is there already, or comes now
            if (block.Projection is { } projection)
            {
                projection.LoadGradient(outer.Pointer + (nint)image * projection.Shape.OutputLength, image, paddedGradient);
                projection.BackwardInput(paddedGradient, target, adds: true);
                projection.BackwardWeights(input, paddedGradient, piece);
            }
            before.Mask(target, image, piece);
        });
    }

    // What a block reads: images, or the output of the block before.
    private float* Input(int index, int image) => index == 0 ? _images + (nint)image * _blocks[0].Chain[0].Shape.InputLength : _blocks[index - 1].Output(image);

    // Pieces are as even as they can be, and the same whatever the number of threads.
    private void ForEachImage(ImageWork work) => _team.Run(FusedConvolution.Pieces, (piece, worker) =>
    {
        for (var image = _count * piece / FusedConvolution.Pieces; image < _count * (piece + 1) / FusedConvolution.Pieces; image++)
            work(image, piece, worker);
    });

    private delegate void ImageWork(int image, int piece, int worker);

    private static float* Pointer(Tensor tensor) => (float*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(TensorMemory.Of(tensor)));
}
