using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Network.Torch;

/// <summary>
/// The network that an architecture describes: stem, stages, global average pooling, classifier. Its parts carry torchvision's
/// names; <see cref="StateDictionary"/> turns them into those of the architecture's naming. Not safe for concurrent training; concurrent
/// evaluation is.
/// </summary>
internal sealed class ResidualNetwork : nn.Module<Tensor, Tensor>
{
    private readonly Convolution conv1;
    private readonly BatchNorm bn1;
    private readonly bool _pools;
    private readonly List<nn.Module<Tensor, Tensor>> _blocks = [];
    private readonly List<nn.Module> _stages = [];
    private readonly Linear fc;
    private List<BatchNorm>? _batchNorms;
    private IReadOnlyList<nn.Module> _frozen = [];

    /// <summary>Builds the network with unset weights: initialise or load them next.</summary>
    /// <param name="architecture">The plan.</param>
    /// <param name="channels">Colour planes of the images.</param>
    /// <param name="classes">Outputs.</param>
    /// <param name="channelsLast">Whether images and weights lie channels-last in memory.</param>
    public ResidualNetwork(ResNetArchitecture architecture, int channels, int classes, bool channelsLast = true)
        : base(nameof(ResidualNetwork))
    {
        (Architecture, ChannelsLast) = (architecture, channelsLast);
        _pools = architecture.Stem == ResNetStem.ImageNet;
        conv1 = _pools
            ? new Convolution(channels, architecture.StemWidth, 7, stride: 2, architecture.ConvolutionBias, channelsLast)
            : new Convolution(channels, architecture.StemWidth, 3, bias: architecture.ConvolutionBias, channelsLast: channelsLast);
        bn1 = new BatchNorm(architecture.StemWidth);
        fc = new Linear(architecture.FeatureWidth, classes);

        register_module(nameof(conv1), conv1);
        register_module(nameof(bn1), bn1);
        var width = architecture.StemWidth;
        foreach (var (stage, index) in architecture.Stages.Select((stage, index) => (stage, index)))
        {
            _stages.Add(Stage(architecture, stage, ref width));
            register_module($"layer{index + 1}", _stages[^1]);
        }
        register_module(nameof(fc), fc);
        OwnTensors();
    }

    /// <summary>
    /// Builds the network of a model, on the CPU and in evaluation mode, and fills it with the weights; the caller owns it.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="channelsLast">Whether images and weights lie channels-last in memory.</param>
    public static ResidualNetwork Of(TrainedResNet model, bool channelsLast = true)
    {
        ResNetRuntime.EnsureStarted();
        var network = new ResidualNetwork(model.Architecture, model.Shape.Channels, model.Classes.Count, channelsLast);
        StateDictionary.Load(network, model.Weights);
        network.eval();
        return network;
    }

    /// <summary>Every batch normalisation, in no order that matters.</summary>
    public IReadOnlyList<BatchNorm> BatchNorms => _batchNorms ??= [.. modules().OfType<BatchNorm>()];

    /// <summary>The last batch normalisation of every block, in front of the addition.</summary>
    public IEnumerable<BatchNorm> LastNorms
        => _blocks.Select(block => block is BasicBlock basic ? basic.LastNorm : ((Bottleneck)block).LastNorm);

    /// <summary>The plan that it was built from.</summary>
    public ResNetArchitecture Architecture { get; }

    /// <summary>Whether images and weights lie channels-last in memory.</summary>
    public bool ChannelsLast { get; }

    /// <summary>Stages behind the stem that are frozen; 0 is the stem alone, and <see langword="null"/> nothing.</summary>
    public int? FrozenStages { get; private set; }

    /// <summary>The classifier.</summary>
    public Linear Head => fc;

    /// <summary>Whether the classifier is all that trains.</summary>
    public bool IsFrozenToTheHead => FrozenStages == _stages.Count;

    /// <summary>In what precision convolutions are computed in training mode. The default is 32 bits.</summary>
    public TrainingPrecision Precision { get; set; }

    /// <summary>
    /// With whom batches are shared while it trains; <see langword="null"/>, the default, is nobody. It stays the caller's.
    /// </summary>
    public SharedBatch? Shared
    {
        get;
        set
        {
            field = value;
            foreach (var norm in BatchNorms)
                norm.Shared = value;
        }
    }

    /// <summary>Features to logits: the network's last step.</summary>
    /// <param name="features">Pooled features: float32, (N, feature width).</param>
    /// <returns>Logits: float32, (N, classes); the caller owns them.</returns>
    public Tensor Classify(Tensor features) => fc.forward(features);

    /// <summary>Images to logits.</summary>
    /// <param name="x">Normalised images: float32, (N, C, H, W).</param>
    /// <returns>Logits: float32, (N, classes); the caller owns them.</returns>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        return Classify(Features(x)).MoveToOuterDisposeScope();
    }

    /// <summary>Images to what the last step reads.</summary>
    /// <param name="x">Normalised images: float32, (N, C, H, W).</param>
    /// <returns>Pooled features: float32, (N, feature width); the caller owns them.</returns>
    public Tensor Features(Tensor x)
    {
        using var scope = NewDisposeScope();
        return Pool(LastMap(x)).MoveToOuterDisposeScope();
    }

    /// <summary>Images to what the features are the means of.</summary>
    /// <param name="x">Normalised images: float32, (N, C, H, W).</param>
    /// <returns>The output of the last block: float32 in evaluation, (N, feature width, height, width); the caller owns it.</returns>
    public Tensor LastMap(Tensor x)
    {
        using var scope = NewDisposeScope();
        return PassBlocks(PassStem(InPrecision(x)), _blocks).MoveToOuterDisposeScope();
    }

    /// <summary>The network on paper, for images of a size.</summary>
    public NetworkPlan PlanFor(int height, int width)
        => NetworkPlan.Of(Architecture, new ImageShape((int)conv1.weight.shape[1], height, width), (int)fc.weight.shape[0]);

    /// <summary>Images through what is frozen, without gradients.</summary>
    /// <param name="images">Normalised images: float32, (N, C, H, W).</param>
    /// <returns>
    /// What the first trained layer reads, float32: (N, channels, height, width) in channels-last memory or, where all stages are frozen,
    /// pooled features (N, feature width). The caller owns it. The images themselves where nothing is frozen.
    /// </returns>
    public Tensor PassFrozen(Tensor images)
    {
        if (FrozenStages is null)
            return images;
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var x = PassBlocks(PassStem(images), _blocks.Take(FrozenBlocks)); // in 32 bits: the same for every epoch and for scoring
        x = IsFrozenToTheHead ? Pool(x) : x.to_type(ScalarType.Float32).ToChannelsLast();
        return x.MoveToOuterDisposeScope();
    }

    /// <summary>The rest of the way: what <see cref="PassFrozen"/> gives to logits.</summary>
    /// <param name="x">Its result; it stays the caller's.</param>
    /// <returns>Logits: float32, (N, classes); the caller owns them.</returns>
    public Tensor PassTrained(Tensor x)
    {
        if (FrozenStages is null)
            return forward(x);
        if (IsFrozenToTheHead)
            return Classify(x);
        using var scope = NewDisposeScope();
        return Classify(Pool(PassBlocks(InPrecision(x.alias()), _blocks.Skip(FrozenBlocks)))).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Keeps the stem and the first stages as they are from now on: their parameters get no gradients, and their batch normalisations
    /// evaluate even while the rest trains, so that running statistics stay too.
    /// </summary>
    /// <param name="stages">How many stages besides the stem; from 0 to all.</param>
    public void Freeze(int stages)
    {
        FrozenStages = stages;
        _frozen = [conv1, bn1, .. _stages.Take(stages)];
        foreach (var parameter in _frozen.SelectMany(part => part.parameters()))
            parameter.requires_grad = false;
        train(training);
    }

    /// <summary>Whether a tensor is part of what is frozen.</summary>
    /// <param name="name">Its name in torchvision's modules.</param>
    public bool IsFrozen(string name)
        => FrozenStages is { } stages && name.Split('.')[0] is var part
            && (part is nameof(conv1) or nameof(bn1) || Enumerable.Range(1, stages).Any(stage => part == $"layer{stage}"));

    /// <summary>Trains or evaluates; what is frozen evaluates in either case.</summary>
    public override void train(bool train = true)
    {
        base.train(train);
        foreach (var part in _frozen)
            part.eval();
    }

    /// <summary>Moves the weights to a device.</summary>
    public void MoveTo(Device device)
    {
        if (device.type == TorchSharp.DeviceType.CPU)
            return;
        _to(device, ScalarType.Float32, non_blocking: false);
        OwnTensors();
    }

    private int FrozenBlocks => Architecture.Stages.Take(FrozenStages ?? 0).Sum(stage => stage.Blocks);

    // Weights follow, convolution by convolution.
    private Tensor InPrecision(Tensor x) => training && Precision == TrainingPrecision.BFloat16 ? x.to_type(ScalarType.BFloat16) : x;

    private static Tensor Pool(Tensor x) => (x.dtype == ScalarType.BFloat16 ? x.to_type(ScalarType.Float32) : x).mean([2, 3]);

    private Tensor PassStem(Tensor images)
    {
        var x = bn1.forward(conv1.forward(images)).relu_(); // (N, stem width, H, W), or H / 2, W / 2
        return _pools ? nn.functional.max_pool2d(x, 3, stride: 2, padding: 1) : x;
    }

    private Tensor PassBlocks(Tensor x, IEnumerable<nn.Module<Tensor, Tensor>> blocks)
    {
        foreach (var block in blocks)
        {
            x = Shared?.Divide(x) ?? x;
            var y = block.forward(x);
            x.Dispose();
            x = y;
        }
        return x;
    }

    // The network frees its tensors itself; a scope that happens to be open where it is built must not.
    private void OwnTensors()
    {
        foreach (var (_, tensor) in StateDictionary.Entries(this))
            tensor.DetachFromDisposeScope();
    }

    private Sequential Stage(ResNetArchitecture architecture, ResNetStage stage, ref int width)
    {
        var blocks = nn.Sequential();
        for (var index = 0; index < stage.Blocks; index++)
        {
            var stride = index == 0 ? stage.Stride : 1;
            nn.Module<Tensor, Tensor> block = architecture.Block == ResNetBlock.Basic
                ? new BasicBlock(width, stage.Width, stride, architecture, ChannelsLast)
                : new Bottleneck(width, stage.Width, stride, architecture, ChannelsLast);
            width = stage.Width * architecture.Expansion;
            blocks.append(index.ToString(System.Globalization.CultureInfo.InvariantCulture), block);
            _blocks.Add(block);
        }
        return blocks;
    }
}
