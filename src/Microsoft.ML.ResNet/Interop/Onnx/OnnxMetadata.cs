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
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) }
    };

    /// <summary>Lists the pairs, in a fixed order.</summary>
    public static IEnumerable<StringStringEntryProto> Of(TrainedResNet model)
    {
        yield return Entry("class_names", ToJson(model.Classes.Names)); // ["cat","dog"], in the order of the probabilities
        yield return Entry("image_shape", ToJson(new[] { model.Shape.Channels, model.Shape.Height, model.Shape.Width }));
        // how a picture of another size becomes such an image, which the graph does not do
        yield return Entry("image_geometry", ToJson(new
        {
            model.Geometry.Fit,
            CropRatio = model.Geometry.Fit == ImageFit.CenterCrop ? model.Geometry.CropRatio : (double?)null,
            model.Geometry.Interpolation,
            model.Geometry.HonorOrientation,
        }));
        if (model.Shape.Channels >= 3)
            yield return Entry("channel_order", "RGB"); // a fourth channel, if any, comes last
        // for each channel, 0 (black) to 1 (full); the graph applies it
        yield return Entry("normalization_mean", ToJson(model.Normalization.Mean));
        yield return Entry("normalization_deviation", ToJson(model.Normalization.Deviation));
        yield return Entry("architecture", model.Architecture.Name);
        yield return Entry("architecture_plan", Plan(model.Architecture));
    }

    private static string Plan(ResNetArchitecture architecture) => ToJson(new
    {
        architecture.Depth,
        architecture.Stem,
        architecture.StemWidth,
        architecture.Block,
        architecture.Shortcut,
        architecture.ConvolutionBias,
        architecture.Stages,
    });

    private static string ToJson<T>(T value) => JsonSerializer.Serialize(value, Json);

    private static StringStringEntryProto Entry(string key, string value) => new() { Key = key, Value = value };
}
