using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet;

/// <summary>
/// The plan of a residual network: a stem, stages of residual blocks, global average pooling and a linear classifier. An immutable
/// value; the presets are rows of the tables below, and <c>with</c> makes others.
/// </summary>
/// <remarks>
/// He, Zhang, Ren, Sun: "Deep Residual Learning for Image Recognition", 2015 (arXiv:1512.03385): section 4.2 for the CIFAR
/// family, table 1 for the ImageNet family. A plan fixes neither image size nor class count; those come from the data.
/// </remarks>
public sealed partial record ResNetArchitecture
{
    /// <summary>The layers between the image and the first stage.</summary>
    public ResNetStem Stem { get; init; }

    /// <summary>Channels that the stem delivers.</summary>
    public int StemWidth { get; init; }

    /// <summary>The residual unit that every stage repeats.</summary>
    public ResNetBlock Block { get; init; }

    /// <summary>What carries the input past a block that changes its shape.</summary>
    public ResNetShortcut Shortcut { get; init; }

    /// <summary>The stages, first to last; at least one.</summary>
    public IReadOnlyList<ResNetStage> Stages { get; init; } = [];

    /// <summary>Whether convolutions add a bias. Off by default: the batch normalisation that follows would cancel it.</summary>
    public bool ConvolutionBias { get; init; }

    /// <summary>How the state dictionary calls and orders its entries. The default is torchvision's way.</summary>
    public ResNetNaming Naming { get; init; }

    /// <summary>Layers with weights, counted as the papers do: convolutions outside shortcuts, and the classifier.</summary>
    public int Depth => 2 + Stages.Sum(stage => stage.Blocks) * (Block == ResNetBlock.Basic ? 2 : 3);

    /// <summary>Channels that leave a block, as a multiple of its stage's width: 1 for basic blocks, 4 for bottlenecks.</summary>
    public int Expansion => Block == ResNetBlock.Basic ? 1 : 4;

    /// <summary>Features that enter the classifier.</summary>
    public int FeatureWidth => Stages[^1].Width * Expansion;

    /// <summary>
    /// The images that the plan is usually given: 3x32x32 with a CIFAR stem, 3x224x224 with an ImageNet stem, and 1x224x224 for
    /// <see cref="D2l18"/>. It takes others too.
    /// </summary>
    public ImageShape UsualImageShape => this switch
    {
        { Naming: ResNetNaming.D2l } => new(1, 224, 224),
        { Stem: ResNetStem.Cifar } => new(3, 32, 32),
        _ => new(3, 224, 224),
    };

    /// <summary>
    /// The CIFAR family: a 3x3 stem of 16 channels and three stages of 16, 32 and 64.
    /// </summary>
    /// <param name="depth">
    /// 6n+2 for basic blocks (20, 32, 44, 56, 110, 1202), 9n+2 for bottlenecks (20, 29, 47, 56, 110, 1199); n is the number of
    /// blocks in each stage, at least 1.
    /// </param>
    /// <param name="block">
    /// The block; <see langword="null"/> chooses: the only one that fits the depth, and where both fit, basic blocks below 44 and
    /// bottlenecks from 44 on.
    /// </param>
    /// <returns>The plan, with projection shortcuts.</returns>
    /// <exception cref="ArgumentOutOfRangeException">
    /// No whole number of blocks gives that depth; the message names the nearest that do.
    /// </exception>
    public static ResNetArchitecture Cifar(int depth, ResNetBlock? block = null)
    {
        var chosen = block ?? DefaultCifarBlock(depth);
        var blocks = (depth - 2) / (3 * LayersPerBlock(chosen));
        return new ResNetArchitecture
        {
            Stem = ResNetStem.Cifar,
            StemWidth = 16,
            Block = FitsCifar(depth, chosen) ? chosen : throw InvalidCifarDepth(depth, block),
            Stages = [new(16, blocks, stride: 1), new(32, blocks, stride: 2), new(64, blocks, stride: 2)],
        };
    }

    /// <summary>The ImageNet family: a 7x7 stem of 64 channels with max pooling and four stages of 64, 128, 256 and 512.</summary>
    /// <param name="depth">18 or 34 (basic blocks), 50, 101 or 152 (bottlenecks).</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="depth"/> is not in that list.</exception>
    public static ResNetArchitecture ImageNet(int depth)
    {
        (ResNetBlock block, int[] blocks) = depth switch
        {
            18 => (ResNetBlock.Basic, [2, 2, 2, 2]),
            34 => (ResNetBlock.Basic, [3, 4, 6, 3]),
            50 => (ResNetBlock.Bottleneck, [3, 4, 6, 3]),
            101 => (ResNetBlock.Bottleneck, [3, 4, 23, 3]),
            152 => (ResNetBlock.Bottleneck, new[] { 3, 8, 36, 3 }),
            _ => throw new ArgumentOutOfRangeException(nameof(depth), depth,
                "ImageNet residual networks have 18, 34, 50, 101 or 152 layers."),
        };
        return new ResNetArchitecture
        {
            Stem = ResNetStem.ImageNet,
            StemWidth = 64,
            Block = block,
            Stages = [.. blocks.Select((count, stage) => new ResNetStage(64 << stage, count, stride: stage == 0 ? 1 : 2))],
        };
    }

    /// <summary>
    /// The teaching variant of the textbook "Dive into Deep Learning" (d2l.ai, section 8.6): the plan of <c>ImageNet(18)</c> with biased
    /// convolutions and shortcuts that are a bare 1x1 convolution, under the textbook's names. It was written for images of 1x224x224.
    /// </summary>
    public static ResNetArchitecture D2l18()
        => ImageNet(18) with { ConvolutionBias = true, Shortcut = ResNetShortcut.BareProjection, Naming = ResNetNaming.D2l };

    /// <summary>
    /// A network that learns fast on a CPU, for images of about 32x32 pixels. docs/evidence.md says what these reach in a quarter of an
    /// hour, and how they were found.
    /// </summary>
    /// <param name="depth">
    /// 8, the default: a stem of 16 channels, and three stages of one basic block, of 48, 96 and 192 channels, each of which halves height
    /// and width: six tenths of the multiplications of <c>Cifar(20)</c>, and two and a half times its parameters. 10: a stem of 16 and four
    /// stages of 32, 64, 128 and 256, of which the first keeps height and width: one and a half times the multiplications of
    /// <c>Cifar(20)</c>, and four and a half times its parameters.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="depth"/> is neither.</exception>
    public static ResNetArchitecture Quick(int depth = 8) => Cifar(8) with
    {
        Stages = depth switch
        {
            8 => [new(48, 1, stride: 2), new(96, 1, stride: 2), new(192, 1, stride: 2)],
            10 => [new(32, 1, stride: 1), new(64, 1, stride: 2), new(128, 1, 2), new(256, 1, 2)],
            _ => throw new ArgumentOutOfRangeException(nameof(depth), depth, "Quick networks have 8 or 10 layers."),
        },
    };

    /// <summary>The same plan with a 3x3 stem of stride 1 and no pooling, for images of about 32x32 pixels.</summary>
    public ResNetArchitecture WithCifarStem() => this with { Stem = ResNetStem.Cifar };

    /// <summary>Lists the layers of the network that this plan makes of some images, without building it.</summary>
    /// <param name="image">The shape of the images.</param>
    /// <param name="numberOfClasses">The classes to tell apart; at least 2.</param>
    /// <exception cref="ArgumentOutOfRangeException">The shape has a side below 1, or there are fewer than two classes.</exception>
    public IReadOnlyList<LayerSummary> Summarize(ImageShape image, int numberOfClasses)
    {
        if (image is not { Channels: >= 1, Height: >= 1, Width: >= 1 })
            throw new ArgumentOutOfRangeException(nameof(image), image, "Channels, height and width must be at least 1.");
        ArgumentOutOfRangeException.ThrowIfLessThan(numberOfClasses, 2);
        return [.. NetworkPlan.Of(this, image, numberOfClasses).Layers.Select(layer => new LayerSummary(
            StateNames.Rename(this, layer.Name), layer.Type, layer.Output, layer.Parameters, layer.MultiplyAdds))];
    }

    /// <summary>Lists what makes this plan impossible to build; empty when nothing does.</summary>
    internal IEnumerable<string> Problems()
    {
        if (StemWidth < 1)
            yield return $"StemWidth is {StemWidth}; it must be at least 1.";
        if (Stages.Count == 0)
            yield return "Stages is empty; a network needs at least one stage.";
        foreach (var (stage, index) in Stages.Select((stage, index) => (stage, index)))
            if (stage.Width < 1 || stage.Blocks < 1 || stage.Stride < 1)
                yield return $"Stages[{index}] is {stage}; width, blocks and stride must be at least 1.";
    }

    /// <summary>Two plans are equal when they build the same network under the same names.</summary>
    public bool Equals(ResNetArchitecture? other)
        => other is not null && Stem == other.Stem && StemWidth == other.StemWidth && Block == other.Block && Shortcut == other.Shortcut
            && ConvolutionBias == other.ConvolutionBias && Naming == other.Naming && Stages.SequenceEqual(other.Stages);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Stem, StemWidth, Block, Shortcut, ConvolutionBias, Naming, Depth);

    /// <summary>The name, such as <c>cifar-20</c>.</summary>
    public override string ToString() => Name;

    private static int LayersPerBlock(ResNetBlock block) => block == ResNetBlock.Basic ? 2 : 3;

    private static bool FitsCifar(int depth, ResNetBlock block)
        => depth > 2 && (depth - 2) % (3 * LayersPerBlock(block)) == 0;

    private static ResNetBlock DefaultCifarBlock(int depth)
        => (FitsCifar(depth, ResNetBlock.Basic), FitsCifar(depth, ResNetBlock.Bottleneck)) switch
        {
            (true, true) => depth < 44 ? ResNetBlock.Basic : ResNetBlock.Bottleneck,
            (true, false) => ResNetBlock.Basic,
            (false, true) => ResNetBlock.Bottleneck,
            _ => throw InvalidCifarDepth(depth, null),
        };

    private static ArgumentOutOfRangeException InvalidCifarDepth(int depth, ResNetBlock? block)
    {
        bool Valid(int candidate) => block is { } only ? FitsCifar(candidate, only) : FitsCifar(candidate, ResNetBlock.Basic)
            || FitsCifar(candidate, ResNetBlock.Bottleneck);
        var rule = block switch
        {
            ResNetBlock.Basic => "6n+2 layers with basic blocks",
            ResNetBlock.Bottleneck => "9n+2 layers with bottlenecks",
            _ => "6n+2 layers (basic blocks) or 9n+2 (bottlenecks)",
        };
        var start = Math.Clamp(depth, 3, int.MaxValue - 32);
        var above = Enumerable.Range(start, 32).First(Valid);
        var below = Enumerable.Range(1, 32).Select(step => start - step).FirstOrDefault(Valid);
        var nearest = below > 0 ? $"{below} and {above}" : $"{above}";
        return new ArgumentOutOfRangeException(nameof(depth), depth,
            $"A CIFAR residual network has {rule}, n at least 1. The nearest valid depths are {nearest}.");
    }
}
