using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Persistence;
using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Tests.Persistence;

/// <summary>Small models as their two entries, and zips taken apart and put together.</summary>
internal static class SavedModel
{
    /// <summary>Three stages of 4, 8 and 16 channels: 5,000 weights.</summary>
    public static ResNetArchitecture Narrow { get; } = ResNetArchitecture.Cifar(8) with
    {
        StemWidth = 4,
        Stages = [new(4, 1, 1), new(8, 1, 2), new(16, 1, 2)]
    };

    public static ModelColumns Columns { get; } = new("Features", "Label", "Score", "PredictedLabel", PixelLayout.Auto, ChannelOrder.Rgb);

    /// <summary>A model with weights that were drawn, not trained.</summary>
    public static TrainedResNet Create(ResNetArchitecture? architecture = null, ClassLabels? classes = null, ImageShape? shape = null)
    {
        var (plan, labels, image) = (architecture ?? Narrow, classes ?? TextLabels("red left", "green right", "blue top"), shape
            ?? new ImageShape(3, 8, 8));
        var random = new Random(1);
        var weights = NetworkPlan.StateOf(plan, image.Channels, labels.Count)
            .Select(entry => Draw(entry.Name, entry.Type, entry.Shape, random)).ToList();
        return new TrainedResNet(plan, image,
            new Normalization([.. Enumerable.Repeat(0.4f, image.Channels)], [.. Enumerable.Repeat(0.25f, image.Channels)]),
            labels, weights);
    }

    /// <summary>Reports of epochs, every other one without a validation set.</summary>
    public static IReadOnlyList<EpochReport> History(int epochs)
        => [.. Enumerable.Range(1, epochs).Select(epoch => new EpochReport(epoch, epochs, 0.1 / epoch, 1.0 / epoch, 0.5,
        epoch % 2 == 0 ? 2.0 / epoch : null, epoch % 2 == 0
            ? 0.25
            : null, 1000, TimeSpan.FromSeconds(epoch), TimeSpan.FromSeconds(epochs - epoch)))];

    /// <summary>Classes with text.</summary>
    public static ClassLabels TextLabels(params string[] names)
        => ClassLabels.OfNames(names);

    /// <summary>The two entries of a model.</summary>
    public static (byte[] Description, byte[] Weights) Entries(TrainedResNet model, ModelColumns? columns = null)
    {
        using var weights = new MemoryStream();
        using var description = new MemoryStream();
        var hash = ModelArchive.WriteWeights(weights, model);
        ModelArchive.WriteDescription(description, model, columns ?? Columns, hash);
        return (description.ToArray(), weights.ToArray());
    }

    /// <summary>The description of <see cref="Create"/>'s default, without the hash of the weights.</summary>
    public static string Description(TrainedResNet model) => WithoutHash(Encoding.UTF8.GetString(Entries(model).Description));

    /// <summary>Reads the two entries.</summary>
    public static (TrainedResNet Model, ModelColumns Columns) Read(byte[] description, byte[] weights)
        => ModelArchive.Read(new MemoryStream(description), new MemoryStream(weights));

    /// <summary>The entries of a zip, in its order.</summary>
    public static IReadOnlyList<(string Name, byte[] Bytes)> Unzip(byte[] file)
    {
        using var zip = new ZipArchive(new MemoryStream(file));
        return [.. zip.Entries.Select(entry => (entry.FullName, Content(entry)))];
    }

    /// <summary>What an entry of a zip holds.</summary>
    public static byte[] Content(ZipArchiveEntry entry)
    {
        using var content = entry.Open();
        using var copy = new MemoryStream();
        content.CopyTo(copy);
        return copy.ToArray();
    }

    /// <summary>A zip of entries.</summary>
    public static byte[] Zip(IEnumerable<(string Name, byte[] Bytes)> entries, CompressionLevel level = CompressionLevel.Optimal)
    {
        using var file = new MemoryStream();
        using (var zip = new ZipArchive(file, ZipArchiveMode.Create, leaveOpen: true))
            foreach (var (name, bytes) in entries)
            {
                using var content = zip.CreateEntry(name, level).Open();
                content.Write(bytes);
            }
        return file.ToArray();
    }

    /// <summary>A description without the hash of the weights.</summary>
    public static byte[] WithoutHash(byte[] utf8) => Encoding.UTF8.GetBytes(WithoutHash(Encoding.UTF8.GetString(utf8)));

    private static string WithoutHash(string json)
    {
        var node = System.Text.Json.Nodes.JsonNode.Parse(json)!;
        node.AsObject().Remove("weights");
        return node.ToJsonString();
    }

    private static NamedTensor Draw(string name, ElementType type, long[] shape, Random random)
    {
        var count = shape.Aggregate(1L, (product, size) => product * size);
        if (type == ElementType.Int64)
            return new NamedTensor(name, type, shape, new byte[8 * count]);
        var offset = name.EndsWith("running_var", StringComparison.Ordinal) ? 1f : 0f;
        var values = Enumerable.Range(0, (int)count).Select(_ => offset + random.NextSingle() - 0.5f).ToArray();
        return new NamedTensor(name, type, shape, MemoryMarshal.AsBytes<float>(values).ToArray());
    }
}
