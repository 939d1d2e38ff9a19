using System.Text.Json;
using System.Text.Json.Serialization;

namespace Microsoft.ML.ResNet.Persistence;

/// <summary>
/// The entry <c>model.json</c> of a saved model, member for member (docs/model-format.md has units and ranges). A reader skips members
/// that it does not know; <see cref="Format"/> rises only when an old reader would misunderstand the file.
/// </summary>
internal sealed record ModelDescription
{
    /// <summary>The format that this code writes, and the newest that it reads.</summary>
    public const int CurrentFormat = 2;

    // Not JsonSerializerDefaults.Web: it would read numbers from text and take member names in any case.
    private static readonly ModelDescriptionJson Json = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        WriteIndented = true,
        NewLine = "\n",
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        AllowDuplicateProperties = false,
        MaxDepth = 16,
        Converters =
        {
            Names<ResNetStem>(), Names<ResNetBlock>(), Names<ResNetShortcut>(), Names<ResNetNaming>(), Names<PixelLayout>(),
            Names<ChannelOrder>(), Names<ImageFit>(), Names<ImageInterpolation>(),
        },
    });

    /// <summary>The format of the whole model: 1 to <see cref="CurrentFormat"/>.</summary>
    public required int Format { get; init; }

    /// <summary>The plan of the network.</summary>
    public required ArchitectureDescription Architecture { get; init; }

    /// <summary>What the network takes.</summary>
    public required ImageDescription Image { get; init; }

    /// <summary>What its outputs stand for.</summary>
    public required ClassDescription Classes { get; init; }

    /// <summary>The columns that the model reads and writes.</summary>
    public required ColumnDescription Columns { get; init; }

    /// <summary>Whether scores are the mean over an image and its mirror image; absent where they are not.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool FlipsAtTestTime { get; init; }

    /// <summary>What tells whether the weights are whole; <see langword="null"/> where the writer did not say.</summary>
    public WeightsDescription? Weights { get; init; }

    /// <summary>How training went; <see langword="null"/> where there was none.</summary>
    public HistoryDescription? History { get; init; }

    /// <summary>The plan of the network; its name is for people, the other members decide.</summary>
    public sealed record ArchitectureDescription(ResNetStem Stem, int StemWidth, ResNetBlock Block, ResNetShortcut Shortcut,
        bool ConvolutionBias, IReadOnlyList<StageDescription?> Stages, [property: JsonPropertyOrder(-1)] string? Name = null,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] ResNetNaming Naming = ResNetNaming.Torchvision);

    /// <summary>One stage.</summary>
    public sealed record StageDescription(int Width, int Blocks, int Stride);

    /// <summary>What the network takes: shape in pixels, normalisation in units of 0 to 1, and how pixels lie in vectors.</summary>
    public sealed record ImageDescription(int Channels, int Height, int Width, IReadOnlyList<float> Mean, IReadOnlyList<float> Deviation,
        PixelLayout Layout = PixelLayout.Auto, ChannelOrder Order = ChannelOrder.Rgb,
        float? Black = null, float? Full = null, GeometryDescription? Geometry = null);

    /// <summary>How pictures of another size become images; absent in format 1, which squashed them and ignored orientation tags.</summary>
    public sealed record GeometryDescription(ImageFit Fit, double? CropRatio = null, bool HonorOrientation = false,
        ImageInterpolation Interpolation = ImageInterpolation.Bilinear);

    /// <summary>The classes; type and values are absent where keys stand for nothing.</summary>
    public sealed record ClassDescription(int Count, string? Type = null, JsonElement? Values = null);

    /// <summary>The names of the columns that the model reads and writes; few models write what is wrong with images.</summary>
    public sealed record ColumnDescription(string Feature, string Label, string Score, string PredictedLabel, string? Problem = null);

    /// <summary>The SHA-256 of the entry of the weights, as 64 hexadecimal digits.</summary>
    public sealed record WeightsDescription(string? Sha256 = null);

    /// <summary>
    /// A training: how many epochs there should have been, the epoch that left the weights, and the epochs that there were.
    /// </summary>
    public sealed record HistoryDescription(int NumberOfEpochs, int KeptEpoch, IReadOnlyList<EpochDescription?> Epochs);

    /// <summary>One epoch: losses in nats, accuracies from 0 to 1, times in seconds; a loss need not be a finite number.</summary>
    [JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals)]
    public sealed record EpochDescription(int Epoch, double LearningRate, double TrainLoss, double TrainAccuracy, double ImagesPerSecond,
        double Elapsed, double TimeLeft, double? ValidationLoss = null, double? ValidationAccuracy = null);

    /// <summary>The description as JSON in UTF-8.</summary>
    public byte[] Write() => JsonSerializer.SerializeToUtf8Bytes(this, Json.ModelDescription);

    /// <summary>Reads a description; its values are not checked yet.</summary>
    /// <exception cref="ModelFormatException">The bytes are no such description, or it is of another format.</exception>
    public static ModelDescription Read(ReadOnlySpan<byte> utf8)
    {
        try
        {
            CheckFormat(utf8); // first: a description of another format may have other members
            return JsonSerializer.Deserialize(utf8, Json.ModelDescription)!;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException) // the latter: text that is not Unicode
        {
            throw new ModelFormatException($"model.json cannot be read: {e.Message}", e);
        }
    }

    private static void CheckFormat(ReadOnlySpan<byte> utf8)
    {
        var format = JsonSerializer.Deserialize(utf8, Json.FormatOnly)?.Format
            ?? throw new ModelFormatException("model.json is null; expected an object.");
        if (format > CurrentFormat)
            throw new ModelFormatException(
                $"model.json has format {format}; this version of Microsoft.ML.ResNet reads formats 1 to {CurrentFormat}. Use a newer "
                + "version.");
        if (format < 1)
            throw new ModelFormatException($"model.json has format {format}; expected 1 to {CurrentFormat}.");
    }

    private static JsonStringEnumConverter<T> Names<T>() where T : struct, Enum => new(namingPolicy: null, allowIntegerValues: false);

    /// <summary>What a description of any format has.</summary>
    public sealed record FormatOnly
    {
        /// <summary>The format.</summary>
        public required int Format { get; init; }
    }
}

/// <summary>How descriptions are read and written; generated, so that nothing is looked up by reflection.</summary>
[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(ModelDescription))]
[JsonSerializable(typeof(ModelDescription.FormatOnly))]
internal sealed partial class ModelDescriptionJson : JsonSerializerContext;
