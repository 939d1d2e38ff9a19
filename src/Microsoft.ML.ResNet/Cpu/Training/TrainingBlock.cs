using Microsoft.ML.ResNet.Cpu.Kernels;
using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Cpu.Training;

/// <summary>
/// A residual block, for training: a chain of convolutions, what is added to its end, and the rectified sum. The sum is kept, because the
/// next block reads it twice. The stem is a block to which nothing is added, and whose rectified sum may be pooled.
/// </summary>
/// <param name="chain">The convolutions, each with its batch normalisation.</param>
/// <param name="addsInput">Whether the block's input is added as it is.</param>
/// <param name="projection">The convolution that the input passes before it is added; <see langword="null"/> for none.</param>
/// <param name="padding">How the input is made wider before it is added; <see langword="null"/> for not at all.</param>
/// <param name="pool">The max pooling of the rectified sum; <see langword="null"/> for none. Nothing is added then.</param>
internal sealed unsafe class TrainingBlock(IReadOnlyList<TrainingConvolution> chain, bool addsInput, TrainingConvolution? projection,
    ChannelPaddingStep? padding, MaxPoolStep? pool) : IDisposable
{
    private readonly NativeBuffer _output = new();

    /// <summary>The convolutions.</summary>
    public IReadOnlyList<TrainingConvolution> Chain => chain;

    /// <summary>The convolution that the input passes before it is added.</summary>
    public TrainingConvolution? Projection => projection;

    /// <summary>Whether the gradient of the block's input is that of its output, and what the chain adds to it.</summary>
    public bool AddsInput => addsInput;

    /// <summary>Every convolution.</summary>
    public IEnumerable<TrainingConvolution> Convolutions => projection is null ? chain : chain.Append(projection);

    /// <summary>Floats of an image that goes out.</summary>
    public long OutputLength => (long)OutputPixels * OutputChannels;

    /// <summary>Pixels of an image that goes out.</summary>
    public int OutputPixels => pool is null ? Last.Shape.OutputHeight * Last.Shape.OutputWidth : pool.Output.PlaneSize;

    /// <summary>Channels of an image that goes out.</summary>
    public int OutputChannels => Last.Shape.Outputs;

    private TrainingConvolution Last => chain[^1];

    /// <summary>The rectified sum of an image; known after <see cref="Activate"/>.</summary>
    public float* Output(int image) => _output.Pointer + image * OutputLength;

    /// <summary>Makes room for so many images.</summary>
    public void EnsureRoom(int images) => _output.EnsureLength(images * OutputLength);

    /// <summary>Floats of scratch memory that <see cref="Mask"/> and <see cref="SumGradient"/> take.</summary>
    public long ScratchLength => pool is null ? 0 : Last.Shape.OutputLength;

    /// <summary>Computes the rectified sum of an image.</summary>
    /// <param name="input">The block's input; unused by the stem.</param>
    /// <param name="image">Which image.</param>
    public void Activate(float* input, int image)
    {
        if (pool is not null)
            ChannelKernels.NormalizeReluMaxPool(Last.Output(image), Last.Shape.OutputHeight, Last.Shape.OutputWidth, OutputChannels,
                Last.Norm, Output(image));
        else if (projection is not null)
            ChannelKernels.NormalizeBothAddRelu(Last.Output(image), Last.Norm, projection.Output(image), projection.Norm,
                OutputPixels, OutputChannels, Output(image));
        else if (padding is not null)
            for (var row = 0; row < padding.Output.Height; row++)
            {
                var offset = (nint)row * padding.Output.Width * OutputChannels;
                var target = Output(image) + offset; // the shortcut's row first, and then its sum with the chain's
                ChannelKernels.PadChannels(RowOf(input, row), padding.Output.Width, padding.Stride, padding.Input.Output.Channels,
                    OutputChannels, target);
                ChannelKernels.NormalizeAddRelu(Last.Output(image) + offset, target, padding.Output.Width, OutputChannels, Last.Norm,
                    target);
            }
        else if (addsInput)
            ChannelKernels.NormalizeAddRelu(Last.Output(image), input, OutputPixels, OutputChannels, Last.Norm, Output(image));
        else
            ChannelKernels.NormalizeRelu(Last.Output(image), OutputPixels, OutputChannels, Last.Norm, Output(image));
    }

    /// <summary>
    /// Turns the gradient of an image's output into that of the sum in front of ReLU, in place unless the output is pooled, and gathers
    /// what the gradient through the normalisations needs.
    /// </summary>
    /// <param name="gradient">The gradient of the output.</param>
    /// <param name="image">Which image.</param>
    /// <param name="shard">Its shard.</param>
    /// <param name="scratch"><see cref="ScratchLength"/> floats.</param>
    public void Mask(float* gradient, int image, int shard, float* scratch)
    {
        if (pool is not null)
        {
            Last.AddSums(SumGradient(gradient, image, scratch), image, shard);
            return;
        }
        Last.MaskByOutput(gradient, Output(image), image, shard);
        projection?.AddSums(gradient, image, shard);
    }

    /// <summary>
    /// The gradient of the sum in front of ReLU: what <see cref="Mask"/> has made of the output's, or, where the output is pooled, computed
    /// again. It is four times as long there, and keeping it for all images takes no less time.
    /// </summary>
    /// <param name="gradient">The gradient of the output, after <see cref="Mask"/>.</param>
    /// <param name="image">Which image.</param>
    /// <param name="scratch"><see cref="ScratchLength"/> floats.</param>
    /// <returns>Either <paramref name="gradient"/> or <paramref name="scratch"/>.</returns>
    public float* SumGradient(float* gradient, int image, float* scratch)
    {
        if (pool is null)
            return gradient;
        ChannelKernels.MaxPoolGradient(gradient, Output(image), Last.Output(image), Last.Shape.OutputHeight, Last.Shape.OutputWidth,
            OutputChannels, Last.Norm, scratch);
        return scratch;
    }

    /// <summary>Adds what an image's gradient makes of the input's on the way past the chain, where the input was made wider.</summary>
    /// <param name="gradient">The gradient of the sum in front of ReLU.</param>
    /// <param name="target">The gradient of the input.</param>
    public void AddPaddingGradient(float* gradient, float* target)
    {
        if (padding is null)
            return;
        for (var row = 0; row < padding.Output.Height; row++)
            ChannelKernels.AddUnpaddedChannels(gradient + (nint)row * padding.Output.Width * OutputChannels, padding.Output.Width,
                padding.Stride, padding.Input.Output.Channels, OutputChannels, RowOf(target, row));
    }

    /// <summary>Frees what is kept.</summary>
    public void Dispose()
    {
        _output.Dispose();
        foreach (var convolution in Convolutions)
            convolution.Dispose();
    }

    // The row of the input, or of its gradient, that meets a row of the output.
    private float* RowOf(float* input, int row)
        => input + (nint)row * padding!.Stride * padding.Input.Output.Width * padding.Input.Output.Channels;
}
