using Microsoft.ML.ResNet.Tensors;
using Microsoft.ML.ResNet.Tests.Persistence;

namespace Microsoft.ML.ResNet.Tests.Support;

/// <summary>Files of weights of small networks, and what the library makes of them.</summary>
internal static class TinyWeights
{
    public static string[] TenClasses { get; } = [.. Enumerable.Range(0, 10).Select(index => $"class {index}")];

    public static ResNetWeightsOptions Options => new() { Architecture = ResNetArchitecture.Cifar(20), ClassNames = TenClasses };

    public static ResNetTransformer LoadTiny(MLContext mlContext, Stream stream, bool strict = true)
        => mlContext.Model.LoadResNetWeights(stream, TinyOptions(strict));

    public static ResNetWeightsOptions TinyOptions(bool strict) => new()
    {
        Architecture = SavedModel.Narrow,
        ClassNames = TinyImages.Classes,
        ImageShape = TinyImages.Shape,
        ChannelMeans = [0.5f, 0.5f, 0.5f],
        ChannelStandardDeviations = [0.25f, 0.25f, 0.25f],
        Strict = strict,
    };

    public static IReadOnlyList<NamedTensor> Tiny() => SavedModel.Create().Weights;

    public static MemoryStream Safetensors(IReadOnlyList<NamedTensor> tensors)
    {
        var stream = new MemoryStream();
        ResNet.Tensors.Safetensors.Write(stream, tensors);
        return stream;
    }

    public static void AssertEqual(IReadOnlyList<NamedTensor> expected, IReadOnlyList<NamedTensor> actual)
    {
        CollectionAssert.AreEqual(expected.Select(tensor => tensor.ToString()).ToArray(), actual.Select(tensor => tensor.ToString())
            .ToArray());
        foreach (var (a, b) in expected.Zip(actual))
            Assert.IsTrue(a.Data.Span.SequenceEqual(b.Data.Span), a.Name);
    }
}
