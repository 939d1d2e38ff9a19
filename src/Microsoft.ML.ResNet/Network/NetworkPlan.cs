using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Network;

/// <summary>What a planned layer does.</summary>
internal enum LayerKind
{
    /// <summary>A <see cref="Torch.Convolution"/>.</summary>
    Convolution,

    /// <summary>A <see cref="Torch.BatchNorm"/>.</summary>
    BatchNorm,

    /// <summary>3x3 max pooling of stride 2.</summary>
    MaxPool,

    /// <summary>Global average pooling.</summary>
    AveragePool,

    /// <summary>A <see cref="Torch.Linear"/>.</summary>
    Linear,
}

/// <summary>One layer of a network, on paper.</summary>
/// <param name="Name">Its name in the network: torchvision's.</param>
/// <param name="Kind">What it does.</param>
/// <param name="Inputs">Channels or features that come in.</param>
/// <param name="Output">What comes out for one image.</param>
/// <param name="Kernel">Height and width of a convolution's kernel; 0 for other layers.</param>
/// <param name="Bias">Whether it adds a bias.</param>
internal sealed record PlannedLayer(string Name, LayerKind Kind, int Inputs, ImageShape Output, int Kernel, bool Bias)
{
    /// <summary>Weights that training changes.</summary>
    public long Parameters
        => State().Where(entry => entry.IsParameter).Sum(entry => entry.Shape.Aggregate(1L, (product, size) => product * size));

    /// <summary>Multiplications for one image, each with its addition.</summary>
    public long MultiplyAdds => Kind switch
    {
        LayerKind.Convolution => (long)Inputs * Kernel * Kernel * Output.Size,
        LayerKind.Linear => (long)Inputs * Output.Size,
        _ => 0,
    };

    /// <summary>Its entries in a state dictionary of torchvision's naming, in PyTorch's order.</summary>
    public IEnumerable<(string Name, ElementType Type, long[] Shape, bool IsParameter)> State()
    {
        var channels = new long[] { Output.Channels };
        switch (Kind)
        {
            case LayerKind.Convolution or LayerKind.Linear:
                yield return ($"{Name}.weight", ElementType.Float32, Kind == LayerKind.Linear
                    ? [Output.Channels, Inputs]
                    : [Output.Channels, Inputs, Kernel, Kernel], true);
                if (Bias)
                    yield return ($"{Name}.bias", ElementType.Float32, channels, true);
                break;
            case LayerKind.BatchNorm:
                yield return ($"{Name}.weight", ElementType.Float32, channels, true);
                yield return ($"{Name}.bias", ElementType.Float32, channels, true);
                yield return ($"{Name}.running_mean", ElementType.Float32, channels, false);
                yield return ($"{Name}.running_var", ElementType.Float32, channels, false);
                yield return ($"{Name}.num_batches_tracked", ElementType.Int64, [], false);
                break;
        }
    }
}

/// <summary>
/// A network on paper: its layers under torchvision's names and in torchvision's order, with the sizes that flow through them. No tensor is
/// made.
/// </summary>
internal static class NetworkPlan
{
    /// <summary>Lists the layers.</summary>
    /// <param name="architecture">The plan of the network.</param>
    /// <param name="image">The images it takes.</param>
    /// <param name="classes">Its outputs.</param>
    public static IEnumerable<PlannedLayer> Layers(ResNetArchitecture architecture, ImageShape image, int classes)
    {
        var pools = architecture.Stem == ResNetStem.ImageNet;
        var flow = Convolved(image, architecture.StemWidth, pools ? 7 : 3, pools ? 2 : 1);
        yield return new("conv1", LayerKind.Convolution, image.Channels, flow, pools ? 7 : 3, architecture.ConvolutionBias);
        yield return new("bn1", LayerKind.BatchNorm, flow.Channels, flow, 0, Bias: true);
        if (pools)
            yield return new("maxpool", LayerKind.MaxPool, flow.Channels, flow = Convolved(flow, flow.Channels, 3, 2), 0, Bias: false);

        for (var stage = 0; stage < architecture.Stages.Count; stage++)
            for (var block = 0; block < architecture.Stages[stage].Blocks; block++)
                foreach (var layer in Block(architecture, $"layer{stage + 1}.{block}", architecture.Stages[stage], block == 0
                    ? architecture.Stages[stage].Stride
                    : 1, flow, out flow))
                    yield return layer;

        yield return new("avgpool", LayerKind.AveragePool, flow.Channels, flow = new ImageShape(flow.Channels, 1, 1), 0, Bias: false);
        yield return new("fc", LayerKind.Linear, flow.Channels, new ImageShape(classes, 1, 1), 0, Bias: true);
    }

    /// <summary>The state dictionary's entries: names, types and shapes, named and ordered as the architecture says.</summary>
    public static IEnumerable<(string Name, ElementType Type, long[] Shape, bool IsParameter)> State(ResNetArchitecture architecture,
        int channels, int classes)
        => StateNames.Arrange(architecture, Layers(architecture, new ImageShape(channels, 32, 32), classes)
            .SelectMany(layer => layer.State()),
            entry => entry.Name, (entry, name) => (name, entry.Type, entry.Shape, entry.IsParameter));

    private static List<PlannedLayer> Block(ResNetArchitecture architecture, string name, ResNetStage stage, int stride, ImageShape input,
        out ImageShape output)
    {
        var (bias, outputs) = (architecture.ConvolutionBias, stage.Width * architecture.Expansion);
        (int Width, int Kernel, int Stride)[] convolutions = architecture.Block == ResNetBlock.Basic
            ? [(outputs, 3, stride), (outputs, 3, 1)]
            : [(stage.Width, 1, 1), (stage.Width, 3, stride), (outputs, 1, 1)];

        var layers = new List<PlannedLayer>();
        var flow = input;
        for (var i = 0; i < convolutions.Length; i++)
        {
            var inputs = flow.Channels;
            flow = Convolved(flow, convolutions[i].Width, convolutions[i].Kernel, convolutions[i].Stride);
            layers.Add(new($"{name}.conv{i + 1}", LayerKind.Convolution, inputs, flow, convolutions[i].Kernel, bias));
            layers.Add(new($"{name}.bn{i + 1}", LayerKind.BatchNorm, flow.Channels, flow, 0, Bias: true));
        }
        output = flow;

        var changesShape = input.Channels != outputs || stride != 1;
        if (changesShape && architecture.Shortcut == ResNetShortcut.BareProjection)
            layers.Add(new($"{name}.downsample", LayerKind.Convolution, input.Channels, flow, 1, bias));
        if (changesShape && architecture.Shortcut == ResNetShortcut.Projection)
        {
            layers.Add(new($"{name}.downsample.0", LayerKind.Convolution, input.Channels, flow, 1, bias));
            layers.Add(new($"{name}.downsample.1", LayerKind.BatchNorm, flow.Channels, flow, 0, Bias: true));
        }
        return layers;
    }

    // Every layer pads by half its kernel, so a stride s leaves ceil(size / s).
    private static ImageShape Convolved(ImageShape input, int channels, int kernel, int stride)
        => new(channels, (input.Height + 2 * (kernel / 2) - kernel) / stride + 1, (input.Width + 2 * (kernel / 2) - kernel) / stride + 1);
}
