using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Tensors;
using Microsoft.ML.ResNet.Tests.Persistence;

namespace Microsoft.ML.ResNet.Fuzzing.Readers;

/// <summary>A network of two blocks and less than a hundred weights.</summary>
internal static class TinyModel
{
    public static ResNetArchitecture Architecture { get; } = ResNetArchitecture.Cifar(8) with
    {
        StemWidth = 1,
        Stages = [new(1, 1, 1), new(2, 1, 2)],
    };

    public static TrainedResNet Value { get; } = WithClasses(SavedModel.TextLabels("cat", "dog"));

    public static byte[] Weights { get; } = SavedModel.Entries(Value).Weights;

    public static TrainedResNet WithClasses(ClassLabels classes) => SavedModel.Create(Architecture, classes, new ImageShape(1, 4, 4)) with
    {
        History = SavedModel.History(2),
        KeptEpoch = 2,
    };

    /// <summary>Its tensors, under other names.</summary>
    public static IReadOnlyList<NamedTensor> Renamed(Func<string, string> rename)
        => [.. Value.Weights.Select(tensor => tensor with { Name = rename(tensor.Name) })];

    /// <summary>A safetensors file.</summary>
    public static byte[] Safetensors(IEnumerable<NamedTensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        using var stream = new MemoryStream();
        Tensors.Safetensors.Write(stream, tensors, metadata);
        return stream.ToArray();
    }
}
