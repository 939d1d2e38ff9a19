using Google.Protobuf;
using Microsoft.ML.ResNet.Interop.Onnx.Schema;
using Microsoft.ML.ResNet.Tests.Support;

namespace Microsoft.ML.ResNet.Tests.Interop.Onnx;

/// <summary>The narrow networks that PyTorch exported (<c>Golden/onnx</c>), whole and as messages to change.</summary>
internal static class OnnxGolden
{
    public const int Side = 64;

    public static string[] Classes { get; } = ["a", "b", "c", "d", "e"];

    public static ResNetArchitecture Narrow(int depth) => ResNetArchitecture.ImageNet(depth) with
    {
        StemWidth = 4,
        Stages = [.. ResNetArchitecture.ImageNet(depth).Stages
            .Zip(depth == 50 ? [4, 4, 8, 8] : new[] { 4, 8, 8, 12 }, (stage, width) => stage with { Width = width })],
    };

    public static ResNetArchitecture CifarStem { get; } = Narrow(50) with
    {
        Stem = ResNetStem.Cifar,
        Stages = [new(4, 1, 1), new(4, 1, 2), new(8, 1, 2), new(8, 1, 2)],
    };

    public static ResNetWeightsOptions Options(ResNetArchitecture architecture) => new()
    {
        Architecture = architecture,
        ClassNames = Classes,
        ImageShape = new(3, Side, Side),
        ChannelMeans = [0, 0, 0],
        ChannelStandardDeviations = [1, 1, 1],
    };

    public static string Path(string name) => GoldenNoise.Path($"onnx/{name}.onnx");

    public static ModelProto Read(string name) => ModelProto.Parser.ParseFrom(File.ReadAllBytes(Path(name)));

    public static MemoryStream ToStream(this ModelProto model) => new(model.ToByteArray());

    /// <summary>The formula's two images as bytes, the second a quarter as bright.</summary>
    public static byte[][] Images()
    {
        var images = GoldenNoise.Images(2, 3, Side, Side).Select(value => (byte)((value + 1) * 128)).Chunk(3 * Side * Side).ToArray();
        return [images[0], [.. images[1].Select(pixel => (byte)(pixel / 4))]];
    }
}
