namespace Microsoft.ML.ResNet.Network;

/// <summary>
/// A network on paper: its steps in an order in which they can be computed, with torchvision's names and the sizes that flow through them.
/// This is the one author of the topology. The summary, the state dictionary, training and inference on the CPU and the ONNX graph are
/// loops over the steps; the modules of <c>Network/Torch</c> are written by hand, and a test holds them to the plan. No tensor is made.
/// </summary>
/// <param name="steps">The steps; the first is an <see cref="ImageStep"/>, and each reads only steps before it.</param>
internal sealed class NetworkPlan(IReadOnlyList<PlanStep> steps)
{
    /// <summary>The steps, in an order in which they can be computed. The first stands for the images.</summary>
    public IReadOnlyList<PlanStep> Steps => steps;

    /// <summary>The images that the network takes.</summary>
    public ImageShape Image => steps[0].Output;

    /// <summary>The step whose output the classifier reads.</summary>
    public PlanStep Features => steps.OfType<AveragePoolStep>().Single();

    /// <summary>The step that makes classes of features.</summary>
    public LinearStep Classifier => steps.OfType<LinearStep>().Single();

    /// <summary>The step that delivers an output.</summary>
    public PlanStep StepOf(NetworkOutput output) => output switch
    {
        NetworkOutput.Logits => steps[^1],
        NetworkOutput.Features => Features,
        NetworkOutput.LastMap => Features.Input,
        _ => throw new NotSupportedException($"{output} is no output."),
    };

    /// <summary>The layers, in torchvision's order: a block's own before those of its shortcut.</summary>
    public IEnumerable<PlannedLayer> Layers => steps.GroupBy(step => step.Block).SelectMany(LayersOf);

    /// <summary>The entries of the state dictionary, in torchvision's names and order.</summary>
    public IEnumerable<StateEntry> State => Layers.SelectMany(layer => layer.State);

    /// <summary>Multiplications for one image, each with its addition; normalisation and pooling count as none.</summary>
    public long MultiplyAdds => Layers.Sum(layer => layer.MultiplyAdds);

    /// <summary>
    /// The part of it that stays as it is when the stem and the first stages are frozen: the steps up to the end of the last of these
    /// stages, and up to the features where only the classifier is left.
    /// </summary>
    /// <param name="stages">Frozen stages besides the stem; from 0 to all.</param>
    public NetworkPlan Frozen(int stages)
    {
        var frozen = steps.TakeWhile(step => step.Stage <= stages).ToList();
        return new(frozen[^1] == Features.Input ? [.. frozen, Features] : frozen);
    }

    /// <summary>Plans the network that an architecture describes.</summary>
    /// <param name="architecture">The architecture; it has no <see cref="ResNetArchitecture.Problems"/>.</param>
    /// <param name="image">The images that the network takes.</param>
    /// <param name="classes">Its outputs.</param>
    public static NetworkPlan Of(ResNetArchitecture architecture, ImageShape image, int classes)
        => new([.. Blocks(architecture, image, classes).SelectMany(block => block)]);

    /// <summary>
    /// The entries of the state dictionary of an architecture, in the names and the order of its naming; planned block by block while they
    /// are enumerated.
    /// </summary>
    /// <param name="architecture">The architecture.</param>
    /// <param name="channels">Colour planes of the images; their size changes no weight.</param>
    /// <param name="classes">Outputs of the network.</param>
    public static IEnumerable<StateEntry> StateOf(ResNetArchitecture architecture, int channels, int classes)
        => StateNames.Arrange(architecture,
            Blocks(architecture, new ImageShape(channels, 32, 32), classes).SelectMany(LayersOf).SelectMany(layer => layer.State),
            entry => entry.Name, (entry, name) => entry with { Name = name });

    /// <summary>Plans the layers between the images and the first stage.</summary>
    public static void Stem(PlanBuilder plan, ResNetArchitecture architecture)
    {
        plan.Begin("stem", stage: 0);
        switch (architecture.Stem)
        {
            case ResNetStem.Cifar:
                plan.Convolution("conv1", "bn1", architecture.StemWidth, kernel: 3, rectifies: true);
                break;
            case ResNetStem.ImageNet:
                plan.Convolution("conv1", "bn1", architecture.StemWidth, kernel: 7, stride: 2, rectifies: true);
                plan.MaxPool("maxpool");
                break;
            default:
                throw new NotSupportedException($"{architecture.Stem} is no stem.");
        }
    }

    /// <summary>Plans the residual blocks, one after the other as they are enumerated.</summary>
    /// <returns>The steps of each block.</returns>
    public static IEnumerable<IReadOnlyList<PlanStep>> Stages(PlanBuilder plan, ResNetArchitecture architecture)
    {
        foreach (var (stage, index) in architecture.Stages.Select((stage, index) => (stage, index)))
            for (var block = 0; block < stage.Blocks; block++)
            {
                var name = $"layer{index + 1}.{block}";
                plan.Begin(name, stage: index + 1);
                Block(plan, architecture, name, stage.Width, block == 0 ? stage.Stride : 1);
                yield return plan.Block;
            }
    }

    /// <summary>Plans pooling and classifier.</summary>
    public static void Head(PlanBuilder plan, int classes)
    {
        plan.Begin("head", stage: int.MaxValue);
        plan.AveragePool("avgpool");
        plan.Linear("fc", classes);
    }

    private static IEnumerable<IReadOnlyList<PlanStep>> Blocks(ResNetArchitecture architecture, ImageShape image, int classes)
    {
        var plan = new PlanBuilder(image, architecture.ConvolutionBias);
        yield return plan.Block; // the images
        Stem(plan, architecture);
        yield return plan.Block;
        foreach (var block in Stages(plan, architecture))
            yield return block;
        Head(plan, classes);
        yield return plan.Block;
    }

    private static IEnumerable<PlannedLayer> LayersOf(IEnumerable<PlanStep> block)
        => block.OrderBy(step => step is ConvolutionStep { IsShortcut: true }).SelectMany(step => step.Layers()); // a stable sort

    // The shortcut comes first, so that the last convolution of the chain can add its sums to it.
    private static void Block(PlanBuilder plan, ResNetArchitecture architecture, string name, int width, int stride)
    {
        var outputs = width * architecture.Expansion;
        (int Outputs, int Kernel, int Stride)[] chain = architecture.Block == ResNetBlock.Basic
            ? [(outputs, 3, stride), (outputs, 3, 1)]
            : [(width, 1, 1), (width, 3, stride), (outputs, 1, 1)];

        var input = plan.Last;
        var shortcut = Shortcut(plan, architecture.Shortcut, $"{name}.downsample", outputs, stride);
        plan.Last = input;
        for (var i = 0; i < chain.Length; i++)
            plan.Convolution($"{name}.conv{i + 1}", $"{name}.bn{i + 1}", chain[i].Outputs, chain[i].Kernel, chain[i].Stride,
                adds: i == chain.Length - 1 ? shortcut : null, rectifies: true);
    }

    private static PlanStep Shortcut(PlanBuilder plan, ResNetShortcut kind, string name, int outputs, int stride)
        => plan.Last.Output.Channels == outputs && stride == 1 ? plan.Last : kind switch
        {
            ResNetShortcut.Projection => plan.Convolution($"{name}.0", $"{name}.1", outputs, kernel: 1, stride, isShortcut: true),
            ResNetShortcut.BareProjection => plan.Convolution(name, norm: null, outputs, kernel: 1, stride, isShortcut: true),
            ResNetShortcut.Padding => plan.ChannelPadding(name, outputs, stride),
            _ => throw new NotSupportedException($"{kind} is no shortcut."),
        };
}
