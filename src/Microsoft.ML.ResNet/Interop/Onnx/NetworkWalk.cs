using Microsoft.ML.ResNet.Interop.Onnx.Schema;
using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Interop.Onnx;

/// <summary>
/// Recognises a residual network in a graph by walking it from the images to the end: stem, blocks, pooling, head. Names of nodes and
/// weights, which every exporter gives as it likes, mean nothing here.
/// </summary>
internal sealed class NetworkWalk
{
    private readonly OnnxGraph _graph;
    private readonly List<NamedTensor> _tensors = [];
    private readonly List<ResNetStage> _stages = [];
    private ResNetBlock? _block;
    private ResNetShortcut? _shortcut;

    private NetworkWalk(OnnxGraph graph) => _graph = graph;

    /// <summary>Reads the network of a graph.</summary>
    /// <exception cref="WeightsFormatException">
    /// The graph is that of no residual network; the message names the first node that is not, and what was expected in its place.
    /// </exception>
    public static OnnxNetwork Read(OnnxGraph graph) => new NetworkWalk(graph).Run();

    private OnnxNetwork Run()
    {
        var (stem, x, convolution) = Stem(_graph.Image);
        while (_graph.Readers(x.Name).Any(node => node.Operation() == "Conv"))
            x = Block(x);
        if (_block is not { } block)
            throw Only(x, "the first block").Expected("the first convolution of a block", "something else");
        Head(Pooled(x));
        return new(new ResNetArchitecture
        {
            Stem = stem,
            StemWidth = convolution.Outputs,
            Block = block,
            Shortcut = _shortcut ?? ResNetShortcut.Projection,
            Stages = [.. _stages],
            ConvolutionBias = _graph.Value(convolution.Node, 2) is not null,
        }, _tensors);
    }

    private (ResNetStem Stem, FeatureMap Result, ConvolutionUnit Convolution) Stem(FeatureMap images)
    {
        var unit = ConvolutionUnit.Of(_graph, Only(images, "the first convolution"), images);
        var x = Rectified(Normalized(unit).Result);
        _tensors.AddRange(unit.Tensors("conv1", "bn1"));
        var pools = _graph.Readers(x.Name) is [{ OpType: "MaxPool" }];
        if (pools)
        {
            var pool = _graph.Readers(x.Name)[0];
            x = pool.Over(x, kernel: 3, out var stride);
            if (stride != 2)
                throw pool.Expected("a step of 2 pixels", $"{stride}");
        }
        return (unit.Kernel, unit.Stride, pools) switch
        {
            (7, 2, true) => (ResNetStem.ImageNet, x, unit),
            (3, 1, false) => (ResNetStem.Cifar, x, unit),
            _ => throw unit.Node.Expected("a stem of 7x7 pixels, step 2, with max pooling behind it, or of 3x3, step 1, without",
                $"{unit.Kernel}x{unit.Kernel}, step {unit.Stride}, {(pools ? "with" : "without")} max pooling"),
        };
    }

    // What a block reads goes two ways: through two or three convolutions, and around them. The two meet in an addition.
    private FeatureMap Block(FeatureMap x)
    {
        var readers = _graph.Readers(x.Name);
        var first = readers.First(node => node.Operation() == "Conv");
        if (readers.Count != 2)
            throw first.Expected("a block whose input goes two ways", $"{readers.Count}");
        var ways = readers.Where(node => node.Operation() == "Conv").Select(node => Chain(node, x))
            .OrderByDescending(way => way.Units.Count).ToList();
        var (chain, addition) = ways[0];
        var shortcut = ways.Count == 1 ? null : ways[1] is { Units: [var only] } && chain.Count > 1
            ? only
            : throw first.Expected("a block of two or three convolutions with at most one around them",
                $"{chain.Count} and {ways[1].Units.Count}");
        if (!Joins(addition, chain[^1].Result.Name, shortcut?.Result.Name ?? x.Name))
            throw addition.Expected("the sum of a block's two ways", "that it adds something else");
        Add(chain, shortcut);
        return Rectified(chain[^1].Result with { Name = addition.Result() });
    }

    private (List<ConvolutionUnit> Units, NodeProto Addition) Chain(NodeProto node, FeatureMap x)
    {
        for (var units = new List<ConvolutionUnit>(); ; node = Only(x, "the next convolution of the block"))
        {
            units.Add(ConvolutionUnit.Of(_graph, node, x));
            x = units[^1].Result;
            var next = Only(x, "the addition that ends the block");
            if (next.Operation() == "Add")
                return (units, next);
            if (units.Count == 3)
                throw next.Expected("the addition that ends a block of three convolutions", "something else");
            x = Rectified(Normalized(units[^1]).Result);
        }
    }

    private bool Joins(NodeProto addition, string one, string other)
        => (_graph.Value(addition, 0), _graph.Value(addition, 1)) is var (a, b) && (a == one && b == other || a == other && b == one);

    private void Add(List<ConvolutionUnit> chain, ConvolutionUnit? shortcut)
    {
        var first = chain[0].Node;
        var block = chain.Select(unit => unit.Kernel).ToArray() switch
        {
            [3, 3] => ResNetBlock.Basic,
            [1, 3, 1] => ResNetBlock.Bottleneck,
            var kernels => throw first.Expected("a block of two convolutions of 3x3 pixels, or of three of 1x1, 3x3 and 1x1",
                string.Join(", ", kernels.Select(kernel => $"{kernel}x{kernel}"))),
        };
        if (block != (_block ??= block))
            throw first.Expected($"a {_block} block, as those before it", $"a {block} block");

        var (stride, width) = (chain[^2].Stride, chain[0].Outputs);
        var (outputs, expansion) = (chain[^1].Outputs, block == ResNetBlock.Basic ? 1 : 4);
        if (outputs != (long)expansion * width)
            throw chain[^1].Node.Expected($"{expansion} times the {width} channels of the block's first convolution", $"{outputs}");
        foreach (var unit in chain)
            Normalized(unit);
        if (chain.Find(unit => unit != chain[^2] && unit.Stride != 1) is { } striding)
            throw striding.Node.Expected("a step of 1 pixel (a block steps in its first convolution of 3x3)", $"{striding.Stride}");
        if (shortcut is not null && (shortcut.Kernel != 1 || shortcut.Stride != stride || shortcut.Outputs != outputs))
            throw shortcut.Node.Expected($"a convolution around the block of 1x1 pixels, step {stride} and {outputs} channels",
                $"{shortcut.Kernel}x{shortcut.Kernel}, step {shortcut.Stride} and {shortcut.Outputs} channels");

        BeginStage(chain, shortcut, width, stride);
        var name = $"layer{_stages.Count}.{_stages[^1].Blocks - 1}";
        foreach (var (unit, index) in chain.Select((unit, index) => (unit, index + 1)))
            _tensors.AddRange(unit.Tensors($"{name}.conv{index}", $"{name}.bn{index}"));
        if (shortcut is not null)
            _tensors.AddRange(shortcut.Tensors($"{name}.downsample{(shortcut.Norm is null ? "" : ".0")}", $"{name}.downsample.1"));
    }

    // A stage begins with the network, and where a block changes the shape.
    private void BeginStage(List<ConvolutionUnit> chain, ConvolutionUnit? shortcut, int width, int stride)
    {
        if (shortcut is not null)
        {
            var kind = shortcut.Norm is null ? ResNetShortcut.BareProjection : ResNetShortcut.Projection;
            if (kind != (_shortcut ??= kind))
                throw shortcut.Node.Expected("batch normalisation behind every convolution around a block, or behind none", "both");
        }
        else if (stride != 1 || chain[0].Inputs != chain[^1].Outputs)
            throw chain[0].Node.Expected("a convolution around a block that changes the shape", "none");
        else if (_stages.Count > 0)
        {
            if (_stages[^1].Width != width)
                throw chain[0].Node.Expected($"{_stages[^1].Width} channels, as in the block before it", $"{width}");
            _stages[^1] = _stages[^1] with { Blocks = _stages[^1].Blocks + 1 };
            return;
        }
        _stages.Add(new ResNetStage(width, blocks: 1, stride));
    }

    private string Pooled(FeatureMap x)
    {
        if (Ends(x.Name))
            return x.Name; // a backbone that leaves pooling to others
        var pool = Only(x, "the next block or pooling");
        var isGlobal = pool.Operation() switch
        {
            "GlobalAveragePool" => true,
            "AveragePool" => (x.Height, x.Width) is ({ } height, { } width) && pool.Integers("kernel_shape") is { } window
                && window.SequenceEqual([height, width]) && (pool.Integers("pads") ?? []).All(padding => padding == 0),
            "ReduceMean" => (pool.Integers("axes") ?? _graph.Constant(pool, 1)?.ToIntegers() ?? []) is [var first, var second]
                && (first & 3, second & 3) is (2, 3) or (3, 2), // -2 and -1 are 2 and 3 of four
            _ => throw pool.Expected("the next block or pooling", "something else"),
        };
        return isGlobal ? pool.Result() : throw pool.Expected("the mean of the whole map", "that of a part, or of a map of any size");
    }

    private void Head(string features)
    {
        while (_graph.Readers(features) is [{ OpType: "Flatten" or "Reshape" or "Squeeze" } reshaping])
            features = reshaping.Result();
        if (Ends(features))
            return;
        var linear = Only(features, "the head");
        var logits = linear.Operation() switch
        {
            "Gemm" when linear.Number("alpha", 1) == 1 && linear.Number("beta", 1) == 1 && linear.Integer("transA", 0) == 0
                => Linear(linear, features, isTransposed: linear.Integer("transB", 0) != 0, bias: (linear, 2)),
            "MatMul" => Linear(linear, features, isTransposed: false,
                bias: _graph.Readers(linear.Result()) is [{ OpType: "Add" } sum]
                    ? (sum, _graph.Value(sum, 0) == linear.Result() ? 1 : 0)
                    : null),
            _ => throw linear.Expected("a fully connected layer (Gemm or MatMul) or the end of the graph", "something else"),
        };
        while (_graph.Readers(logits) is [{ OpType: "Softmax" or "LogSoftmax" } softmax])
            logits = softmax.Result();
        if (!Ends(logits))
            throw Only(logits, "the end of the graph").Expected("the end of the graph: the head has one layer", "something else");
    }

    private string Linear(NodeProto node, string features, bool isTransposed, (NodeProto Node, int Input)? bias)
    {
        if (_graph.Value(node, 0) != features)
            throw node.Expected("a product of features and a weight", "one in another order");
        var weight = _graph.Required(node, 1, "a weight").ToNamed("fc.weight");
        if (weight.Shape is not [> 0, > 0])
            throw node.Expected("a weight of two dimensions", $"[{string.Join(", ", weight.Shape)}]");
        _tensors.Add(isTransposed ? weight : weight.Transposed());
        if (bias is not { } added || _graph.Value(added.Node, added.Input) is null)
            return node.Result();
        _tensors.Add(_graph.Required(added.Node, added.Input, "a bias").ToNamed("fc.bias"));
        return added.Node.Result();
    }

    private static ConvolutionUnit Normalized(ConvolutionUnit unit)
        => unit.Norm is not null ? unit : throw unit.Node.Expected("batch normalisation behind the convolution", "none: it may have been "
            + "folded into the weights. Export with training=torch.onnx.TrainingMode.PRESERVE and do_constant_folding=False");

    private FeatureMap Rectified(FeatureMap x)
    {
        var relu = Only(x, "ReLU");
        return relu.Operation() == "Relu" ? x with { Name = relu.Result() } : throw relu.Expected("ReLU", "something else");
    }

    private bool Ends(string value) => _graph.Readers(value).Count == 0 && _graph.IsOutput(value);

    private NodeProto Only(FeatureMap x, string expected) => Only(x.Name, expected);

    private NodeProto Only(string value, string expected) => _graph.Readers(value) switch
    {
        [var node] => node,
        [] => throw OnnxNetwork.Error($"value {UntrustedText.Quote(value)}", $"expected {expected}, found that nothing reads it"),
        [var first, ..] => throw first.Expected($"{expected} as the only one that reads {UntrustedText.Quote(value)}",
            $"{_graph.Readers(value).Count} that do"),
    };
}
