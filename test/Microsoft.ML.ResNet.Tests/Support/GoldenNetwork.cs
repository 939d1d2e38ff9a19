using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.ML.ResNet.Network.Torch;
using Microsoft.ML.ResNet.Tensors;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Tests.Support;

/// <summary>One network of <c>Golden/architectures.json</c>: what PyTorch computes, and our network filled with the same weights.</summary>
internal sealed class GoldenNetwork
{
    private static readonly JsonElement Networks =
        JsonDocument.Parse(File.ReadAllBytes(GoldenNoise.Path("architectures.json"))).RootElement.GetProperty("nets");
    private readonly JsonElement _facts;
    private readonly string _name;

    public GoldenNetwork(string name)
    {
        _name = name;
        _facts = Networks.GetProperty(name);
        InputShape = [.. _facts.GetProperty("input").EnumerateArray().Select(size => size.GetInt32())];
    }

    /// <summary>The names of all golden networks.</summary>
    public static IEnumerable<string> Names => Networks.EnumerateObject().Select(network => network.Name);

    /// <summary>N, C, H, W.</summary>
    public int[] InputShape { get; }

    public long Parameters => _facts.GetProperty("parameters").GetInt64();

    public double TrainLoss => _facts.GetProperty("train_loss").GetDouble();

    public double GradientNorm => _facts.GetProperty("gradient_norm").GetDouble();

    /// <summary>The first columns of the logits in evaluation mode, row by row.</summary>
    public float[][] EvaluationLogits
        => [.. _facts.GetProperty("eval_logits").EnumerateArray()
        .Select(row => row.EnumerateArray().Select(value => value.GetSingle()).ToArray())];

    public IReadOnlyList<(string Name, long[] Shape)> State => GoldenNoise.State(_name);

    /// <summary>Outputs of the classifier: the length of its bias.</summary>
    public int Classes => (int)State[^1].Shape[0];

    /// <summary>The formula's images: (N, C, H, W).</summary>
    public Tensor Images() => Images(InputShape[0], InputShape);

    /// <summary>The formula's weights as named tensors.</summary>
    public IReadOnlyList<NamedTensor> Weights() => [.. State.Select((entry, k) => Weight(entry.Name, entry.Shape, k))];

    /// <summary>Row index mod 10.</summary>
    public static Tensor Labels(int rows) => tensor(Enumerable.Range(0, rows).Select(row => row % 10L).ToArray());

    /// <summary>The formula's images, for any number of rows.</summary>
    public static Tensor Images(int rows, int[] shape)
        => tensor(GoldenNoise.Images(rows, shape[1], shape[2], shape[3]), [rows, shape[1], shape[2], shape[3]]);

    /// <summary>Our network with the formula's weights.</summary>
    public ResidualNetwork Build(ResNetArchitecture architecture)
    {
        var network = new ResidualNetwork(architecture, InputShape[1], Classes);
        StateDictionary.Load(network, Weights());
        return network;
    }

    private static NamedTensor Weight(string name, long[] shape, int k)
    {
        if (name.EndsWith("num_batches_tracked", StringComparison.Ordinal))
            return new NamedTensor(name, ElementType.Int64, shape, new byte[8]);
        return new NamedTensor(name, ElementType.Float32, shape, MemoryMarshal.AsBytes<float>(GoldenNoise.Tensor(name, shape, k))
            .ToArray());
    }
}
