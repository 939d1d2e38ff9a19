using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Network;

/// <summary>One step of a <see cref="NetworkPlan"/>. Steps are compared by reference: two of the same content are two steps.</summary>
/// <param name="name">Its name in torchvision's modules.</param>
/// <param name="block">The name of the block that it is part of: <c>image</c>, <c>stem</c>, <c>layer1.0</c> and so on, <c>head</c>.</param>
/// <param name="stage">
/// The stage that it is part of: 0 the stem, then the stages from 1 on, and <see cref="int.MaxValue"/> the head.
/// </param>
/// <param name="inputs">The steps whose outputs it reads.</param>
/// <param name="output">What comes out for one image; a vector of features counts as channels of one pixel.</param>
internal abstract class PlanStep(string name, string block, int stage, IReadOnlyList<PlanStep> inputs, ImageShape output)
{
    /// <summary>Its name in torchvision's modules.</summary>
    public string Name => name;

    /// <summary>The name of the block that it is part of.</summary>
    public string Block => block;

    /// <summary>The stage that it is part of: 0 the stem, then the stages from 1 on, and <see cref="int.MaxValue"/> the head.</summary>
    public int Stage => stage;

    /// <summary>The step whose output it reads.</summary>
    public PlanStep Input => inputs[0];

    /// <summary>Every step whose output it reads, what is added included.</summary>
    public virtual IEnumerable<PlanStep> Reads => inputs;

    /// <summary>What comes out for one image.</summary>
    public ImageShape Output => output;

    /// <summary>Pixels of zeros that it wants around its input.</summary>
    public virtual int Padding => 0;

    /// <summary>Its layers, in torchvision's order.</summary>
    public virtual IEnumerable<PlannedLayer> Layers() => [];
}

/// <summary>The images.</summary>
internal sealed class ImageStep(string block, ImageShape image) : PlanStep(block, block, stage: 0, [], image);

/// <summary>
/// A convolution that pads by half its kernel, and what is done with its sums before anybody else reads them, in this order: batch
/// normalisation, addition of another step's output, ReLU.
/// </summary>
internal sealed class ConvolutionStep(string name, string block, int stage, PlanStep input, ImageShape output, int kernel, int stride)
    : PlanStep(name, block, stage, [input], output)
{
    /// <summary>Height and width of the kernel, in pixels; odd.</summary>
    public int Kernel => kernel;

    /// <summary>Step, in pixels.</summary>
    public int Stride => stride;

    /// <inheritdoc/>
    public override int Padding => kernel / 2;

    /// <summary>Whether it adds a bias.</summary>
    public bool HasBias { get; init; }

    /// <summary>The name of the batch normalisation behind it; <see langword="null"/> for none.</summary>
    public string? Norm { get; init; }

    /// <summary>The step whose output is added; <see langword="null"/> for none.</summary>
    public PlanStep? Adds { get; init; }

    /// <summary>Whether ReLU comes last.</summary>
    public bool Rectifies { get; init; }

    /// <summary>Whether it carries a block's input past the block.</summary>
    public bool IsShortcut { get; init; }

    /// <inheritdoc/>
    public override IEnumerable<PlanStep> Reads => Adds is null ? base.Reads : base.Reads.Append(Adds);

    /// <inheritdoc/>
    public override IEnumerable<PlannedLayer> Layers()
    {
        var (inputs, outputs) = (Input.Output.Channels, Output.Channels);
        yield return new(Name, FormattableString.Invariant($"Convolution {kernel}x{kernel}"), Output,
            (long)inputs * kernel * kernel * Output.Channels * Output.Height * Output.Width,
            [new($"{Name}.weight", ElementType.Float32, [outputs, inputs, kernel, kernel]),
                .. Bias(HasBias ? $"{Name}.bias" : null, outputs)]);
        if (Norm is not null)
            yield return new(Norm, "BatchNorm", Output, MultiplyAdds: 0,
            [
                new($"{Norm}.weight", ElementType.Float32, [outputs]),
                new($"{Norm}.bias", ElementType.Float32, [outputs]),
                new($"{Norm}.running_mean", ElementType.Float32, [outputs], IsParameter: false),
                new($"{Norm}.running_var", ElementType.Float32, [outputs], IsParameter: false),
                new($"{Norm}.num_batches_tracked", ElementType.Int64, [], IsParameter: false),
            ]);
    }

    private static IEnumerable<StateEntry> Bias(string? name, long outputs)
        => name is null ? [] : [new StateEntry(name, ElementType.Float32, [outputs])];
}

/// <summary>The shortcut without parameters: every stride-th pixel, and channels of zeros, half of them before and half behind.</summary>
internal sealed class ChannelPaddingStep(string name, string block, int stage, PlanStep input, ImageShape output, int stride)
    : PlanStep(name, block, stage, [input], output)
{
    /// <summary>Step, in pixels.</summary>
    public int Stride => stride;

    /// <summary>Channels of zeros in front of the input's.</summary>
    public int ChannelsBefore => (Output.Channels - Input.Output.Channels) / 2;

    /// <summary>Channels of zeros behind the input's.</summary>
    public int ChannelsBehind => Output.Channels - Input.Output.Channels - ChannelsBefore;
}

/// <summary>3x3 max pooling of stride 2.</summary>
internal sealed class MaxPoolStep(string name, string block, int stage, PlanStep input, ImageShape output)
    : PlanStep(name, block, stage, [input], output)
{
    /// <summary>Height and width of a window, in pixels.</summary>
    public const int Kernel = 3;

    /// <summary>Step, in pixels.</summary>
    public const int Stride = 2;

    /// <inheritdoc/>
    public override int Padding => Kernel / 2;

    /// <inheritdoc/>
    public override IEnumerable<PlannedLayer> Layers() => [new(Name, "MaxPool", Output, MultiplyAdds: 0, State: [])];
}

/// <summary>The mean of every channel.</summary>
internal sealed class AveragePoolStep(string name, string block, int stage, PlanStep input, ImageShape output)
    : PlanStep(name, block, stage, [input], output)
{
    /// <inheritdoc/>
    public override IEnumerable<PlannedLayer> Layers() => [new(Name, "AveragePool", Output, MultiplyAdds: 0, State: [])];
}

/// <summary>A linear layer with a bias.</summary>
internal sealed class LinearStep(string name, string block, int stage, PlanStep input, ImageShape output)
    : PlanStep(name, block, stage, [input], output)
{
    /// <inheritdoc/>
    public override IEnumerable<PlannedLayer> Layers()
    {
        var (inputs, outputs) = (Input.Output.Channels, Output.Channels);
        yield return new(Name, "Linear", Output, MultiplyAdds: (long)inputs * outputs,
            [new($"{Name}.weight", ElementType.Float32, [outputs, inputs]), new($"{Name}.bias", ElementType.Float32, [outputs])]);
    }
}

/// <summary>One layer, as summaries list it.</summary>
/// <param name="Name">Its name in torchvision's modules.</param>
/// <param name="Type">What it is: <c>Convolution 3x3</c>, <c>BatchNorm</c>, <c>MaxPool</c>, <c>AveragePool</c> or <c>Linear</c>.</param>
/// <param name="Output">What comes out for one image.</param>
/// <param name="MultiplyAdds">Multiplications for one image, each with its addition.</param>
/// <param name="State">Its entries in the state dictionary, in PyTorch's order.</param>
internal sealed record PlannedLayer(string Name, string Type, ImageShape Output, long MultiplyAdds, IReadOnlyList<StateEntry> State)
{
    /// <summary>Weights that training changes.</summary>
    public long Parameters => State.Where(entry => entry.IsParameter).Sum(entry => entry.Length);
}

/// <summary>One tensor of a state dictionary, on paper.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">The type of its elements.</param>
/// <param name="Shape">The size of each dimension; empty for a single number.</param>
/// <param name="IsParameter">Whether training changes it by gradients.</param>
internal sealed record StateEntry(string Name, ElementType Type, long[] Shape, bool IsParameter = true)
{
    /// <summary>How many elements it has.</summary>
    public long Length => Shape.Aggregate(1L, (product, size) => product * size);
}
