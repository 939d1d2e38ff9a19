using System.Runtime.InteropServices;
using Microsoft.ML.ResNet.Interop.Onnx.Schema;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Network.Torch;
using DataType = Microsoft.ML.ResNet.Interop.Onnx.Schema.TensorProto.Types.DataType;

namespace Microsoft.ML.ResNet.Interop.Onnx;

/// <summary>
/// The network as ONNX operations, from pixels to probabilities. The methods follow <see cref="ResidualNetwork"/> step by step; values have
/// the names of the layers that make them.
/// </summary>
/// <remarks>
/// The normalisation stays a multiplication and an addition in front of the first convolution: folded into it, pixels beyond the border
/// would count as black instead of as the mean.
/// </remarks>
internal sealed class NetworkGraph
{
    private const string Probabilities = "probabilities", Logits = "logits";

    private readonly TrainedResNet _model;
    private readonly FoldedWeights _weights;
    private readonly GraphBuilder _builder = new();

    private NetworkGraph(TrainedResNet model)
    {
        _model = model;
        _weights = new FoldedWeights(model);
    }

    /// <summary>Makes the graph: input (N, C, H, W), outputs <c>probabilities</c> and <c>logits</c> (N, classes).</summary>
    /// <exception cref="ArgumentException">The options name no input, or one that the graph cannot have.</exception>
    public static GraphProto Create(TrainedResNet model, OnnxExportOptions options)
    {
        var network = new NetworkGraph(model);
        network.AddOperations(options);
        if (network._builder.Has(options.InputName))
            throw new ArgumentException(
                $"{nameof(options.InputName)} is '{options.InputName}', which is the name of another value of the graph. Choose another, "
                + "such as 'image'.", nameof(options));
        network.AddInputAndOutputs(options);
        return network._builder.Graph;
    }

    private void AddOperations(OnnxExportOptions options)
    {
        var x = Normalized(options);
        x = Stem(_model.FlipsAtTestTime ? WithMirrorImages(x) : x);
        var channels = _model.Architecture.StemWidth;
        for (var stage = 0; stage < _model.Architecture.Stages.Count; stage++)
            for (var block = 0; block < _model.Architecture.Stages[stage].Blocks; block++)
                x = Block($"layer{stage + 1}.{block}", x, _model.Architecture.Stages[stage], isFirst: block == 0, ref channels);
        Classified(x);
    }

    private void AddInputAndOutputs(OnnxExportOptions options)
    {
        var (graph, shape) = (_builder.Graph, _model.Shape);
        graph.Name = _model.Architecture.Name;
        graph.Input.Add(new ValueInfoProto
        {
            Name = options.InputName,
            Type = GraphBuilder.Batches(options.Input == OnnxInput.UInt8
                ? DataType.Uint8
                : DataType.Float, shape.Channels, shape.Height, shape.Width),
            DocString = "Images, one plane for each channel; values from 0 (black) to 255 (full).",
        });
        graph.Output.Add(Output(Probabilities, "The probability of each class; an image's add up to 1."));
        graph.Output.Add(Output(Logits, "The same before softmax."));
    }

    private ValueInfoProto Output(string name, string meaning)
        => new() { Name = name, Type = GraphBuilder.Batches(DataType.Float, _model.Classes.Count), DocString = meaning };

    private string Normalized(OnnxExportOptions options)
    {
        var (scale, shift) = _model.Normalization.ScaleAndShift();
        var x = options.Input == OnnxInput.Float32
            ? options.InputName
            : _builder.Node("Cast", "pixels", [options.InputName], ("to", (int)DataType.Float));
        x = _builder.Node("Mul", "normalization.scaled", [x, PerChannel("normalization.scale", scale)]);
        return _builder.Node("Add", "normalization", [x, PerChannel("normalization.shift", shift)]);
    }

    // The batch, then the mirror images of the batch: 2N, C, H, W.
    private string WithMirrorImages(string x)
    {
        var flipped = _builder.Node("Slice", "mirrored",
        [
            x,
            _builder.Constant("mirrored.starts", -1),
            _builder.Constant("mirrored.ends", long.MinValue),
            _builder.Constant("mirrored.axes", 3),
            _builder.Constant("mirrored.steps", -1),
        ]);
        return _builder.Node("Concat", "views", [x, flipped], ("axis", 0));
    }

    // 2N, classes to N, classes.
    private string MeanOfViews(string logits)
    {
        var views = _builder.Node("Reshape", "logits.views",
            [logits, _builder.Constant("logits.views.shape", 2, -1, _model.Classes.Count)]);
        return _builder.Node("ReduceMean", Logits, [views], ("axes", new long[] { 0 }), ("keepdims", 0));
    }

    private string Stem(string x)
    {
        var pools = _model.Architecture.Stem == ResNetStem.ImageNet;
        x = Convolution("conv1", "bn1", x, stride: pools ? 2 : 1);
        x = Relu("conv1", x);
        return pools
            ? _builder.Node("MaxPool", "maxpool", [x], ("kernel_shape", new long[] { 3, 3 }), ("strides", new long[] { 2, 2 }),
            ("pads", new long[] { 1, 1, 1, 1 }))
            : x;
    }

    private string Block(string name, string x, ResNetStage stage, bool isFirst, ref int channels)
    {
        var (basic, stride) = (_model.Architecture.Block == ResNetBlock.Basic, isFirst ? stage.Stride : 1);
        var y = Convolution($"{name}.conv1", $"{name}.bn1", x, basic ? stride : 1);
        y = Relu($"{name}.conv1", y);
        y = Convolution($"{name}.conv2", $"{name}.bn2", y, basic ? 1 : stride);
        if (!basic)
        {
            y = Relu($"{name}.conv2", y);
            y = Convolution($"{name}.conv3", $"{name}.bn3", y, stride: 1);
        }
        var outputs = stage.Width * _model.Architecture.Expansion;
        y = _builder.Node("Add", $"{name}.add", [y, Shortcut($"{name}.downsample", x, channels, outputs, stride)]);
        channels = outputs;
        return Relu(name, y);
    }

    private string Shortcut(string name, string x, int inputs, int outputs, int stride)
        => inputs == outputs && stride == 1 ? x : _model.Architecture.Shortcut switch
        {
            ResNetShortcut.Projection => Convolution($"{name}.0", $"{name}.1", x, stride),
            ResNetShortcut.BareProjection => Convolution(name, null, x, stride),
            ResNetShortcut.Padding => PaddedChannels(name, EveryPixel(name, x, stride), outputs - inputs),
            var shortcut => throw new NotSupportedException($"{shortcut} is not a shortcut that ONNX files can have."),
        };

    private string EveryPixel(string name, string x, int stride) => stride == 1 ? x : _builder.Node("Slice", $"{name}.slice",
    [
        x,
        _builder.Constant($"{name}.starts", 0, 0),
        _builder.Constant($"{name}.ends", long.MaxValue, long.MaxValue),
        _builder.Constant($"{name}.axes", 2, 3),
        _builder.Constant($"{name}.steps", stride, stride),
    ]);

    // Zeros before and behind, as PaddingShortcut adds them: N, C, H, W at the start, then at the end.
    private string PaddedChannels(string name, string x, int channels)
        => channels == 0
            ? x
            : _builder.Node("Pad", name, [x, _builder.Constant($"{name}.pads", 0, channels / 2, 0, 0, 0, channels - channels / 2, 0, 0)]);

    private void Classified(string x)
    {
        var classifier = _weights.Classifier();
        x = _builder.Node("GlobalAveragePool", "avgpool", [x]);
        x = _builder.Node("Flatten", "features", [x]);
        x = _builder.Node("Gemm", _model.FlipsAtTestTime
            ? "logits.both"
            : Logits, [x, _builder.Constant("fc.weight", classifier.Weight, classifier.Shape.Take(2)),
            _builder.Constant("fc.bias", classifier.Bias!.Value, classifier.Shape.Take(1))], ("transB", 1));
        if (_model.FlipsAtTestTime)
            x = MeanOfViews(x);
        _builder.Node("Softmax", Probabilities, [x], ("axis", 1));
    }

    private string Convolution(string name, string? norm, string x, int stride)
    {
        var folded = _weights.Convolution(name, norm);
        List<string> inputs = [x, _builder.Constant($"{name}.weight", folded.Weight, folded.Shape)];
        if (folded.Bias is { } bias)
            inputs.Add(_builder.Constant($"{name}.bias", bias, [folded.Shape[0]]));
        var size = folded.Shape[2];
        var (kernel, padding) = (new[] { size, size }, new[] { size / 2, size / 2, size / 2, size / 2 });
        return _builder.Node("Conv", name, inputs, ("kernel_shape", kernel), ("strides", new long[] { stride, stride }), ("pads", padding));
    }

    private string Relu(string name, string x) => _builder.Node("Relu", $"{name}.relu", [x]);

    private string PerChannel(string name, float[] values)
        => _builder.Constant(name, MemoryMarshal.AsBytes<float>(values).ToArray(), [values.Length, 1, 1]);
}
