using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.ML.ResNet.Interop.Onnx.Schema;
using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Interop.Onnx;

/// <summary>
/// What an ONNX file says about its network beside the graph, as pairs of text. Lists and plans are JSON with every character beyond ASCII
/// escaped, so that no reader's encoding can spoil a class name.
/// </summary>
internal static class OnnxMetadata
{
    private static readonly OnnxMetadataJson Json = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Converters =
        {
            Words<ImageFit>(), Words<ImageInterpolation>(), Words<ResNetStem>(), Words<ResNetBlock>(), Words<ResNetShortcut>(),
        },
    });

    /// <summary>How a picture of another size becomes such an image, which the graph does not do.</summary>
    public sealed record Geometry(ImageFit Fit, double? CropRatio, ImageInterpolation Interpolation, bool HonorOrientation);

    /// <summary>The plan of the network.</summary>
    public sealed record Plan(int Depth, ResNetStem Stem, int StemWidth, ResNetBlock Block, ResNetShortcut Shortcut, bool ConvolutionBias,
        IReadOnlyList<ResNetStage> Stages);

    /// <summary>Lists the pairs, in a fixed order.</summary>
    public static IEnumerable<StringStringEntryProto> Of(TrainedResNet model)
    {
        // ["cat","dog"], in the order of the probabilities
        yield return Entry("class_names", JsonSerializer.Serialize(model.Classes.Names, Json.IReadOnlyListString));
        int[] shape = [model.Shape.Channels, model.Shape.Height, model.Shape.Width];
        yield return Entry("image_shape", JsonSerializer.Serialize(shape, Json.Int32Array));
        yield return Entry("image_geometry", JsonSerializer.Serialize(Of(model.Geometry), Json.Geometry));
        if (model.Shape.Channels >= 3)
            yield return Entry("channel_order", "RGB"); // a fourth channel, if any, comes last
        // for each channel, 0 (black) to 1 (full); the graph applies it
        yield return Entry("normalization_mean", JsonSerializer.Serialize(model.Normalization.Mean, Json.IReadOnlyListSingle));
        yield return Entry("normalization_deviation", JsonSerializer.Serialize(model.Normalization.Deviation, Json.IReadOnlyListSingle));
        yield return Entry("architecture", model.Architecture.Name);
        yield return Entry("architecture_plan", JsonSerializer.Serialize(Of(model.Architecture), Json.Plan));
    }

    private static Geometry Of(ImageGeometry geometry) => new(geometry.Fit,
        geometry.Fit == ImageFit.CenterCrop ? geometry.CropRatio : null, geometry.Interpolation, geometry.HonorOrientation);

    private static Plan Of(ResNetArchitecture architecture) => new(architecture.Depth, architecture.Stem, architecture.StemWidth,
        architecture.Block, architecture.Shortcut, architecture.ConvolutionBias, architecture.Stages);

    private static JsonStringEnumConverter<T> Words<T>() where T : struct, Enum => new(JsonNamingPolicy.CamelCase);

    private static StringStringEntryProto Entry(string key, string value) => new() { Key = key, Value = value };
}

/// <summary>How the pairs are written; generated, so that nothing is looked up by reflection.</summary>
[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(OnnxMetadata.Geometry))]
[JsonSerializable(typeof(OnnxMetadata.Plan))]
[JsonSerializable(typeof(IReadOnlyList<string>))]
[JsonSerializable(typeof(IReadOnlyList<float>))]
[JsonSerializable(typeof(int[]))]
internal sealed partial class OnnxMetadataJson : JsonSerializerContext;
