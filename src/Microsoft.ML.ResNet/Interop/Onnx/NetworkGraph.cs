using System.Runtime.InteropServices;
using Microsoft.ML.ResNet.Interop.Onnx.Schema;
using Microsoft.ML.ResNet.Network;
using DataType = Microsoft.ML.ResNet.Interop.Onnx.Schema.TensorProto.Types.DataType;

namespace Microsoft.ML.ResNet.Interop.Onnx;

/// <summary>
/// The network as ONNX operations, from pixels to probabilities: the steps of its plan, one after the other. Values have the names of the
/// layers that make them.
/// </summary>
/// <remarks>
/// The normalisation stays a multiplication and an addition in front of the first convolution: folded into it, pixels beyond the border
/// would count as black instead of as the mean.
/// </remarks>
internal sealed class NetworkGraph
{
    private const string Probabilities = "probabilities", Logits = "logits";

    private readonly TrainedResNet _model;
    private readonly NetworkPlan _plan;
    private readonly FoldedWeights _weights;
    private readonly GraphBuilder _builder = new();
    private readonly Dictionary<PlanStep, string> _values = [];

    private NetworkGraph(TrainedResNet model, NetworkPlan plan, FoldedWeights weights)
        => (_model, _plan, _weights) = (model, plan, weights);

    /// <summary>Makes the graph of a model: input (N, C, H, W), outputs <c>probabilities</c> and <c>logits</c> (N, classes).</summary>
    /// <exception cref="ArgumentException">The options name no input, or one that the graph cannot have.</exception>
    public static GraphProto Create(TrainedResNet model, OnnxExportOptions options)
        => Create(model, model.Plan, FoldedWeights.Of(model), options);

    /// <summary>Makes the graph of a plan that may be another than that of the model's architecture.</summary>
    /// <inheritdoc cref="Create(TrainedResNet, OnnxExportOptions)"/>
    public static GraphProto Create(TrainedResNet model, NetworkPlan plan, FoldedWeights weights, OnnxExportOptions options)
    {
        var network = new NetworkGraph(model, plan, weights);
        foreach (var step in plan.Steps)
            network._values[step] = network.Operation(step, options);
        network.AddProbabilities();
        if (network._builder.Has(options.InputName))
            throw new ArgumentException(
                $"{nameof(options.InputName)} is '{options.InputName}', which is the name of another value of the graph. Choose another, "
                + "such as 'image'.", nameof(options));
        network.AddInputAndOutputs(options);
        return network._builder.Graph;
    }

    private string Operation(PlanStep step, OnnxExportOptions options) => step switch
    {
        ImageStep => _model.TestTimeFlip ? WithMirrorImages(Normalized(options)) : Normalized(options),
        ConvolutionStep convolution => Convolution(convolution, _values[step.Input]),
        MaxPoolStep => MaxPool(step.Name, _values[step.Input]),
        ChannelPaddingStep padding => PaddedChannels(padding, EveryPixel(padding, _values[step.Input])),
        AveragePoolStep => _builder.Node("Flatten", "features", [_builder.Node("GlobalAveragePool", step.Name, [_values[step.Input]])]),
        LinearStep linear => Linear(linear, _values[step.Input]),
        _ => throw new NotSupportedException($"{step.GetType().Name} is no step that ONNX files can have."),
    };

    private void AddInputAndOutputs(OnnxExportOptions options)
    {
        var (graph, shape) = (_builder.Graph, _plan.Image);
        graph.Name = _model.Architecture.Name;
        graph.Input.Add(new ValueInfoProto
        {
            Name = options.InputName,
            Type = GraphBuilder.Batches(options.Input == OnnxInput.UInt8 ? DataType.Uint8 : DataType.Float,
                shape.Channels, shape.Height, shape.Width),
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

    private string Convolution(ConvolutionStep step, string x)
    {
        var folded = _weights.Of(step);
        List<string> inputs = [x, _builder.Constant($"{step.Name}.weight", folded.Weight(), folded.Shape)];
        if (folded.Bias is { } bias)
            inputs.Add(_builder.Constant($"{step.Name}.bias", bias, [folded.Shape[0]]));
        var padding = (long)step.Padding;
        var y = _builder.Node("Conv", step.Name, inputs, ("kernel_shape", new long[] { step.Kernel, step.Kernel }),
            ("strides", new long[] { step.Stride, step.Stride }), ("pads", new[] { padding, padding, padding, padding }));
        if (step.Adds is { } added)
            y = _builder.Node("Add", $"{step.Block}.add", [y, _values[added]]);
        return step.Rectifies ? _builder.Node("Relu", $"{(step.Adds is null ? step.Name : step.Block)}.relu", [y]) : y;
    }

    private string MaxPool(string name, string x) => _builder.Node("MaxPool", name, [x],
        ("kernel_shape", new long[] { MaxPoolStep.Kernel, MaxPoolStep.Kernel }),
        ("strides", new long[] { MaxPoolStep.Stride, MaxPoolStep.Stride }), ("pads", new long[] { 1, 1, 1, 1 }));

    private string EveryPixel(ChannelPaddingStep step, string x) => step.Stride == 1 ? x : _builder.Node("Slice", $"{step.Name}.slice",
    [
        x,
        _builder.Constant($"{step.Name}.starts", 0, 0),
        _builder.Constant($"{step.Name}.ends", long.MaxValue, long.MaxValue),
        _builder.Constant($"{step.Name}.axes", 2, 3),
        _builder.Constant($"{step.Name}.steps", step.Stride, step.Stride),
    ]);

    // Zeros before and behind: N, C, H, W at the start, then at the end.
    private string PaddedChannels(ChannelPaddingStep step, string x)
        => step.ChannelsBefore + step.ChannelsBehind == 0
            ? x
            : _builder.Node("Pad", step.Name,
                [x, _builder.Constant($"{step.Name}.pads", 0, step.ChannelsBefore, 0, 0, 0, step.ChannelsBehind, 0, 0)]);

    private string Linear(LinearStep step, string x)
    {
        var folded = _weights.Of(step);
        var weight = _builder.Constant($"{step.Name}.weight", folded.Weight(), folded.Shape.Take(2));
        var bias = _builder.Constant($"{step.Name}.bias", folded.Bias!.Value, folded.Shape.Take(1));
        return _builder.Node("Gemm", _model.TestTimeFlip ? "logits.both" : Logits, [x, weight, bias], ("transB", 1));
    }

    private void AddProbabilities()
    {
        var logits = _values[_plan.Steps[^1]];
        _builder.Node("Softmax", Probabilities, [_model.TestTimeFlip ? MeanOfViews(logits) : logits], ("axis", 1));
    }

    private string PerChannel(string name, float[] values)
        => _builder.Constant(name, MemoryMarshal.AsBytes<float>(values).ToArray(), [values.Length, 1, 1]);
}
