namespace Microsoft.ML.ResNet.Network;

/// <summary>
/// Writes a <see cref="NetworkPlan"/> down, step by step. Every step reads <see cref="Last"/>, and is the last from then on. Convolutions
/// pad by half their kernel, so that a stride of s leaves every s-th pixel of a row and of a column, rounded up.
/// </summary>
internal sealed class PlanBuilder
{
    private readonly List<PlanStep> _steps;
    private readonly bool _convolutionBias;
    private (string Block, int Stage, int FirstStep) _part = ("image", 0, 0);

    /// <param name="image">The images that the network takes.</param>
    /// <param name="convolutionBias">Whether convolutions add a bias.</param>
    public PlanBuilder(ImageShape image, bool convolutionBias)
    {
        _convolutionBias = convolutionBias;
        Last = new ImageStep(_part.Block, image);
        _steps = [Last];
    }

    /// <summary>The step that the next one reads.</summary>
    public PlanStep Last { get; set; }

    /// <summary>Says what the steps to come are part of.</summary>
    /// <param name="block">The name of the block, such as <c>layer1.0</c>; unique.</param>
    /// <param name="stage">Its stage: 0 the stem, then the stages from 1 on.</param>
    public void Begin(string block, int stage) => _part = (block, stage, _steps.Count);

    /// <summary>The steps of the block that was begun last.</summary>
    public IReadOnlyList<PlanStep> Block => _steps[_part.FirstStep..];

    /// <summary>Adds a convolution, and what is done with its sums at once.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="norm">The name of the batch normalisation behind it; <see langword="null"/> for none.</param>
    /// <param name="outputs">Channels that go out.</param>
    /// <param name="kernel">Height and width of the kernel, in pixels; odd.</param>
    /// <param name="stride">Step, in pixels.</param>
    /// <param name="adds">
    /// A step whose output, of the same shape, is added behind the normalisation; <see langword="null"/> for none.
    /// </param>
    /// <param name="rectifies">Whether ReLU comes last.</param>
    /// <param name="isShortcut">Whether it carries a block's input past the block.</param>
    public PlanStep Convolution(string name, string? norm, int outputs, int kernel, int stride = 1, PlanStep? adds = null,
        bool rectifies = false, bool isShortcut = false)
        => Add(new ConvolutionStep(name, _part.Block, _part.Stage, Last, Strided(outputs, stride), kernel, stride)
        {
            Norm = norm,
            HasBias = _convolutionBias,
            Adds = adds,
            Rectifies = rectifies,
            IsShortcut = isShortcut,
        });

    /// <summary>Adds 3x3 max pooling of stride 2.</summary>
    public PlanStep MaxPool(string name)
        => Add(new MaxPoolStep(name, _part.Block, _part.Stage, Last, Strided(Last.Output.Channels, MaxPoolStep.Stride)));

    /// <summary>Adds the shortcut without parameters: every <paramref name="stride"/>-th pixel, and channels of zeros.</summary>
    public PlanStep ChannelPadding(string name, int outputs, int stride)
        => Add(new ChannelPaddingStep(name, _part.Block, _part.Stage, Last, Strided(outputs, stride), stride));

    /// <summary>Adds the mean of every channel.</summary>
    public PlanStep AveragePool(string name)
        => Add(new AveragePoolStep(name, _part.Block, _part.Stage, Last, new ImageShape(Last.Output.Channels, 1, 1)));

    /// <summary>Adds a linear layer with a bias.</summary>
    public PlanStep Linear(string name, int outputs)
        => Add(new LinearStep(name, _part.Block, _part.Stage, Last, new ImageShape(outputs, 1, 1)));

    /// <summary>The plan of all steps so far.</summary>
    public NetworkPlan Build() => new(_steps);

    private PlanStep Add(PlanStep step)
    {
        _steps.Add(step);
        return Last = step;
    }

    private ImageShape Strided(int channels, int stride)
        => new(channels, (Last.Output.Height + stride - 1) / stride, (Last.Output.Width + stride - 1) / stride);
}
