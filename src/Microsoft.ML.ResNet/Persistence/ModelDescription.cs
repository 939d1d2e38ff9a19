using System.Text.Json;
using System.Text.Json.Serialization;

namespace Microsoft.ML.ResNet.Persistence;

/// <summary>
/// The entry <c>model.json</c> of a saved model, member for member (docs/model-format.md). A reader skips members that it does not
/// know; <see cref="Format"/> rises only when an old reader would misunderstand the file.
/// </summary>
internal sealed record ModelDescription
{
    /// <summary>The version that this code writes and the newest that it reads.</summary>
    public const int CurrentFormat = 1;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        MaxDepth = 16,
        Converters = { new JsonStringEnumConverter(namingPolicy: null, allowIntegerValues: false) },
    };

    public required int Format { get; init; }
    public required ArchitectureDescription Architecture { get; init; }
    public required ImageDescription Image { get; init; }
    public required ClassDescription Classes { get; init; }
    public required ColumnDescription Columns { get; init; }

    /// <summary>The plan of the network.</summary>
    public sealed record ArchitectureDescription(string Name, ResNetStem Stem, int StemWidth, ResNetBlock Block, ResNetShortcut Shortcut, bool ConvolutionBias, IReadOnlyList<StageDescription> Stages);

    /// <summary>One stage.</summary>
    public sealed record StageDescription(int Width, int Blocks, int Stride);

    /// <summary>What the network takes: shape, normalisation (in units of 0 to 1), and how pixels lie in vectors.</summary>
    public sealed record ImageDescription(int Channels, int Height, int Width, IReadOnlyList<float> Mean, IReadOnlyList<float> Deviation, PixelLayout Layout, ChannelOrder Order);

    /// <summary>The classes; type and values are absent where keys stand for nothing.</summary>
    public sealed record ClassDescription(int Count, string? Type = null, JsonElement? Values = null);

    /// <summary>The names of the columns that the model reads and writes.</summary>
    public sealed record ColumnDescription(string Feature, string Label, string Score, string PredictedLabel);

    /// <summary>Writes the description.</summary>
    public void Write(Stream stream) => JsonSerializer.Serialize(stream, this, Json);

    /// <summary>Reads a description; its values are not checked yet.</summary>
    /// <exception cref="ModelFormatException">The bytes are no such description, or it is of a newer format.</exception>
    public static ModelDescription Read(ReadOnlySpan<byte> utf8)
    {
        try
        {
            var description = JsonSerializer.Deserialize<ModelDescription>(utf8, Json) ?? throw new ModelFormatException("model.json is null; expected an object.");
            return description.Format is >= 1 and <= CurrentFormat
                ? description
                : throw new ModelFormatException($"model.json has format {description.Format}; this version of Microsoft.ML.ResNet reads formats 1 to {CurrentFormat}. Use a newer version.");
        }
        catch (JsonException e)
        {
            throw new ModelFormatException($"model.json cannot be read: {e.Message}", e);
        }
    }
}
