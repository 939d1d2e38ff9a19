using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Network.Torch;

namespace Microsoft.ML.ResNet.Cpu.Inference;

/// <summary>Lays a network out as steps over maps. The methods follow <see cref="ResidualNetwork"/> step by step.</summary>
/// <remarks>
/// A stage has one map that its blocks hand on: each adds to it in place. What is computed inside a block goes to maps that all blocks of
/// the stage share.
/// </remarks>
internal sealed class InferenceNetworkBuilder
{
    private readonly TrainedResNet _model;
    private readonly FoldedWeights _weights;
    private readonly TileKernel _kernel;
    private readonly ScratchPool _scratch = new();
    private readonly List<FeatureMap> _maps = [];
    private readonly List<InferenceLayer> _layers = [];
    private readonly Dictionary<(int Stage, string Role, ImageShape Shape), FeatureMap> _insideBlocks = [];

    /// <param name="model">The network; its weights fit its plan.</param>
    /// <param name="kernel">Computes tiles.</param>
    public InferenceNetworkBuilder(TrainedResNet model, TileKernel kernel)
    {
        (_model, _weights, _kernel) = (model, new FoldedWeights(model), kernel);
        var stemBorder = (Pools ? 7 : 3) / 2;
        Input = Map(new MapLayout(model.Shape, stemBorder, Math.Min(model.Shape.Channels, MapLayout.FullBlock)));
        var x = Stem(Input);
        for (var stage = 0; stage < model.Architecture.Stages.Count; stage++)
            for (var block = 0; block < model.Architecture.Stages[stage].Blocks; block++)
                x = Block($"layer{stage + 1}.{block}", x, stage, isFirst: block == 0);
        Output = Classified(x);
    }

    /// <summary>The map of the images.</summary>
    public FeatureMap Input { get; }

    /// <summary>The map of the logits: an image's lie side by side.</summary>
    public FeatureMap Output { get; }

    /// <summary>All maps, by index.</summary>
    public IReadOnlyList<FeatureMap> Maps => _maps;

    /// <summary>All steps, in order.</summary>
    public IReadOnlyList<InferenceLayer> Layers => _layers;

    private bool Pools => _model.Architecture.Stem == ResNetStem.ImageNet;

    private FeatureMap Stem(FeatureMap x)
    {
        x = Convolution("conv1", "bn1", x, Pools ? 2 : 1, shape => Map(MapLayout.Inner(shape)), rectifies: true);
        if (!Pools)
            return x;
        var pooled = Map(MapLayout.Inner(Strided(x.Layout.Shape, x.Layout.Shape.Channels, 2)));
        _layers.Add(new MaxPool(x, pooled));
        return pooled;
    }

    private FeatureMap Block(string name, FeatureMap x, int index, bool isFirst)
    {
        var (basic, stage) = (_model.Architecture.Block == ResNetBlock.Basic, _model.Architecture.Stages[index]);
        var stride = isFirst ? stage.Stride : 1;
        var sum = Shortcut($"{name}.downsample", x, stage.Width * _model.Architecture.Expansion, stride);
        var y = Convolution($"{name}.conv1", $"{name}.bn1", x, basic ? stride : 1, shape => Inside("conv1", shape), rectifies: true);
        if (!basic)
            y = Convolution($"{name}.conv2", $"{name}.bn2", y, stride, shape => Inside("conv2", shape), rectifies: true);
        var last = basic ? 2 : 3;
        return Convolution($"{name}.conv{last}", $"{name}.bn{last}", y, 1, _ => sum, accumulates: true, rectifies: true);

        FeatureMap Inside(string role, ImageShape shape)
        {
            if (!_insideBlocks.TryGetValue((index, role, shape), out var map))
                _insideBlocks.Add((index, role, shape), map = Map(MapLayout.Inner(shape)));
            return map;
        }
    }

    // The map that a block adds its result to.
    private FeatureMap Shortcut(string name, FeatureMap x, int outputs, int stride)
    {
        if (x.Layout.Shape.Channels == outputs && stride == 1)
            return x;
        switch (_model.Architecture.Shortcut)
        {
            case ResNetShortcut.Projection:
                return Convolution($"{name}.0", $"{name}.1", x, stride, shape => Map(MapLayout.Inner(shape)));
            case ResNetShortcut.BareProjection:
                return Convolution(name, null, x, stride, shape => Map(MapLayout.Inner(shape)));
            case ResNetShortcut.Padding:
                var padded = Map(MapLayout.Inner(Strided(x.Layout.Shape, outputs, stride)));
                _layers.Add(new ChannelPadding(x, padded, stride));
                return padded;
            case var shortcut:
                throw new NotSupportedException($"{shortcut} is not a shortcut that can be scored.");
        }
    }

    private FeatureMap Classified(FeatureMap x)
    {
        var features = Map(new MapLayout(x.Layout.Shape with { Height = 1, Width = 1 }, Border: 0, MapLayout.FullBlock));
        _layers.Add(new AveragePool(x, features));
        var logits = Map(new MapLayout(new ImageShape(_model.Classes.Count, 1, 1), Border: 0, MapLayout.FullBlock));
        _layers.Add(new DirectConvolution(_kernel, _weights.Classifier(), 1, features, logits));
        return logits;
    }

    private FeatureMap Convolution(string name, string? norm, FeatureMap x, int stride, Func<ImageShape, FeatureMap> output,
        bool accumulates = false, bool rectifies = false)
    {
        var folded = _weights.Convolution(name, norm);
        var y = output(Strided(x.Layout.Shape, (int)folded.Shape[0], stride));
        _layers.Add(WinogradConvolution.Suits(folded, stride, x.Layout)
            ? new WinogradConvolution(_kernel, folded, x, y, _scratch) { Accumulates = accumulates, Rectifies = rectifies }
            : new DirectConvolution(_kernel, folded, stride, x, y) { Accumulates = accumulates, Rectifies = rectifies });
        return y;
    }

    private FeatureMap Map(MapLayout layout)
    {
        var map = new FeatureMap(_maps.Count, layout);
        _maps.Add(map);
        return map;
    }

    // Every layer pads by half its kernel, so a stride s leaves ceil(size / s).
    private static ImageShape Strided(ImageShape shape, int channels, int stride)
        => new(channels, (shape.Height + stride - 1) / stride, (shape.Width + stride - 1) / stride);
}
