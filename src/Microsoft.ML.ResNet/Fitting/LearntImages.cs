using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.ML.ResNet.Data;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Fitting;

/// <summary>What a model must know of the images that it has learnt from; a checkpoint keeps it beside the weights, as JSON.</summary>
/// <param name="Rows">How many there are to learn from.</param>
/// <param name="Shape">The shape of each.</param>
/// <param name="Mean">What is subtracted from each channel, in units of 0 to 1.</param>
/// <param name="Deviation">What the difference is divided by.</param>
/// <param name="Black">The value of a black pixel in a column of numbers.</param>
/// <param name="Full">The value of a full one.</param>
/// <param name="Geometry">How pictures became images, as <see cref="ImageGeometryText"/>.</param>
internal sealed record LearntImages(int Rows, ImageShape Shape, float[] Mean, float[] Deviation, float Black, float Full,
    string Geometry)
{
    private static readonly LearntImagesJson Json = new(new JsonSerializerOptions
    {
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    });

    /// <summary>What is known of a set.</summary>
    /// <param name="set">The set.</param>
    /// <param name="range">The range of its column, where that has one.</param>
    /// <param name="geometry">How pictures became its images.</param>
    public static LearntImages Of(LabeledImageSet set, PixelRange? range, ImageGeometry geometry)
        => new(set.Store.Count, set.Shape, [.. set.Normalization.Mean], [.. set.Normalization.Deviation],
            (range ?? PixelRange.Bytes).Black, (range ?? PixelRange.Bytes).Full, ImageGeometryText.Print(geometry));

    /// <summary>Mean and deviation as the network takes them.</summary>
    public Normalization Normalization() => new(Mean, Deviation);

    /// <summary>The range of a column of numbers.</summary>
    public PixelRange Range() => new(Black, Full);

    /// <summary>Reads what <see cref="ToString"/> wrote.</summary>
    /// <exception cref="FormatException">It is something else.</exception>
    public static LearntImages Parse(string text)
    {
        try
        {
            var images = JsonSerializer.Deserialize(text, Json.LearntImages);
            return images is { Rows: > 0 } && ModelLimits.Allow(images.Shape) && images.Mean.Length == images.Shape.Channels
                && images.Deviation.Length == images.Shape.Channels
                && images.Mean.Zip(images.Deviation).All(channel => ModelLimits.Allow(channel.First, channel.Second))
                && PixelRange.IsUsable(images.Black, images.Full)
                ? images
                : throw new FormatException("It describes no images.");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            throw new FormatException($"What it says about the images cannot be read: {e.Message}", e);
        }
    }

    /// <summary>JSON.</summary>
    public override string ToString() => JsonSerializer.Serialize(this, Json.LearntImages);
}

/// <summary>How they are read and written; generated, so that nothing is looked up by reflection.</summary>
[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(LearntImages))]
internal sealed partial class LearntImagesJson : JsonSerializerContext;
