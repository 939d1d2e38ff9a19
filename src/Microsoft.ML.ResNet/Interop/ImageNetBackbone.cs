using Microsoft.ML.ResNet.Foundation;
using Microsoft.ML.ResNet.Interop.Onnx;

namespace Microsoft.ML.ResNet.Interop;

/// <summary>
/// The backbone of a ResNet-18 trained on ImageNet that Microsoft's NuGet package brings. Its network, exported by CNTK, takes pixels from
/// 0 to 255 in the order blue, green, red, minus a mean image. Its last stage has three blocks, where the paper's ResNet-18 has two.
/// </summary>
internal static class ImageNetBackbone
{
    /// <summary>The package.</summary>
    public const string Package = "Microsoft.ML.DnnImageFeaturizer.ResNet18";

    /// <summary>Its network.</summary>
    public static ResNetArchitecture Architecture { get; } = ResNetArchitecture.ImageNet(18) with
    {
        Stages = [new(64, 2, 1), new(128, 2, 2), new(256, 2, 2), new(512, 3, 2)],
    };

    private const string Folder = "DnnImageModels"; // where its build puts the files, beside the application

    // Of the mean image, whose pixels differ by some units: blue, green, red.
    private static readonly float[] MeansOfBytes = [103.06f, 115.90f, 123.15f];

    /// <summary>Where its weights are, whether they are there or not.</summary>
    /// <param name="folder">The package's folder <c>DnnImageModels</c>; <see langword="null"/> for that beside the application.</param>
    public static string WeightsPath(string? folder) => Path.Combine(Root(folder), "ResNet18Onnx", "ResNet18.onnx");

    /// <summary>What the file of the weights does not tell.</summary>
    /// <param name="folder">As in <see cref="WeightsPath"/>.</param>
    /// <param name="featureColumnName">The column of the images.</param>
    /// <exception cref="WeightsFormatException">The package's mean image cannot be read.</exception>
    public static ResNetWeightsOptions Options(string? folder, string featureColumnName) => new()
    {
        Architecture = Architecture,
        ChannelOrderOfFile = ChannelOrder.Bgr,
        ChannelMeans = [.. Means(Path.Combine(Root(folder), "ResNetPrepOnnx", "ResNetPreprocess.onnx")).Reverse()
            .Select(mean => mean / 255)],
        ChannelStandardDeviations = [.. Enumerable.Repeat(1 / 255f, 3)],
        FeatureColumnName = featureColumnName,
    };

    private static string Root(string? folder) => folder ?? Path.Combine(AppContext.BaseDirectory, Folder);

    private static IEnumerable<float> Means(string path)
    {
        if (!File.Exists(path))
            return MeansOfBytes;
        using var stream = SafeFile.OpenRead(path);
        return OnnxNetwork.ReadMeanImage(stream);
    }
}
