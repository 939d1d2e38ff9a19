using System.Runtime.InteropServices;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Persistence;
using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Tests.Interop.Onnx;

/// <summary>Networks with drawn weights, their transformers, and images for them.</summary>
internal static class ExportedModel
{
    /// <summary>A network whose running statistics, gains and biases are all far from what they start with.</summary>
    public static TrainedResNet Create(ResNetArchitecture architecture, ImageShape shape, params string[] classes)
    {
        var labels = ClassLabels.OfNames(classes);
        var random = new Random(5);
        var weights = NetworkPlan.StateOf(architecture, shape.Channels, classes.Length)
            .Select(entry => Draw(entry.Name, entry.Type, entry.Shape, random)).ToList();
        float[] mean = [0.48f, 0.44f, 0.41f, 0.9f], deviation = [0.25f, 0.24f, 0.27f, 0.1f];
        return new TrainedResNet(architecture, shape, new Normalization(mean[..shape.Channels], deviation[..shape.Channels]),
            labels, weights);
    }

    /// <summary>The smallest network, for 3x8x8 images and three classes.</summary>
    public static TrainedResNet Tiny()
        => Create(ResNetArchitecture.Cifar(8) with { StemWidth = 4, Stages = [new(4, 1, 1), new(8, 1, 2)] }, new ImageShape(3, 8, 8), "red",
        "green", "blue");

    /// <summary>The transformer of a network; its image column is <c>Features</c>.</summary>
    public static ResNetTransformer Transformer(TrainedResNet model)
        => new(new MLContext(seed: 1), model,
            new ModelColumns("Features", "Label", "Score", "PredictedLabel", PixelLayout.Planar, ChannelOrder.Rgb));

    /// <summary>The file of a network.</summary>
    public static byte[] Export(TrainedResNet model, OnnxExportOptions? options = null)
    {
        using var transformer = Transformer(model);
        using var file = new MemoryStream();
        transformer.SaveOnnx(file, options);
        return file.ToArray();
    }

    /// <summary>Images of noise.</summary>
    public static byte[][] Images(ImageShape shape, int count)
    {
        var random = new Random(count);
        var images = Enumerable.Range(0, count).Select(_ => new byte[shape.Size]).ToArray();
        Array.ForEach(images, random.NextBytes);
        return images;
    }

    /// <summary>Images as rows of a view.</summary>
    public static IDataView View(ImageShape shape, IEnumerable<byte[]> images)
    {
        var schema = SchemaDefinition.Create(typeof(Row));
        schema[nameof(Row.Features)].ColumnType = new VectorDataViewType(NumberDataViewType.Byte, shape.Channels, shape.Height,
            shape.Width);
        return new MLContext(seed: 1).Data.LoadFromEnumerable(images.Select(image => new Row { Features = image }), schema);
    }

    // Gains of a block's last normalisation are small, as they are after training; else deep networks drown in their own noise.
    private static NamedTensor Draw(string name, ElementType type, long[] shape, Random random)
    {
        if (type == ElementType.Int64)
            return new NamedTensor(name, type, shape, new byte[8]);
        var values = new float[shape.Aggregate(1L, (product, size) => product * size)];
        var (centre, spread) = name[(name.LastIndexOf('.') + 1)..] switch
        {
            "running_var" => (1.25, 0.75),
            "running_mean" or "bias" => (0, 0.3),
            _ when shape.Length > 1 => (0, Math.Sqrt(3.0 * shape[0] / values.Length)),
            _ when name.Contains("bn2", StringComparison.Ordinal) || name.Contains("bn3", StringComparison.Ordinal) => (0.3, 0.2),
            _ => (1, 0.5),
        };
        for (var i = 0; i < values.Length; i++)
            values[i] = (float)(centre + spread * (2 * random.NextDouble() - 1));
        return new NamedTensor(name, type, shape, MemoryMarshal.AsBytes<float>(values).ToArray());
    }

    private sealed class Row
    {
        public byte[] Features { get; set; } = [];
    }
}
