using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using System.Text.Unicode;

namespace Microsoft.ML.ResNet.Reports.Report;

/// <summary>What <c>report.js</c> draws. Bytes are WebP files or maps, as base64; numbers that do not exist are null.</summary>
internal sealed record ReportData
{
    /// <summary>What was trained, on what, by which recipe: terms and what they are.</summary>
    public required IReadOnlyList<string[]> Facts { get; init; }

    /// <summary>The names of the classes.</summary>
    public required IReadOnlyList<string> Classes { get; init; }

    /// <summary>The figures over all pictures.</summary>
    public required ReportFigures Figures { get; init; }

    /// <summary>For each class its pictures, what was predicted as it, and what of that is right.</summary>
    public required IReadOnlyList<long[]> ClassCounts { get; init; }

    /// <summary>Cells of the matrix: true class, predicted class, pictures, one after the other.</summary>
    public required int[] Cells { get; init; }

    /// <summary>The pictures that are listed.</summary>
    public required ReportRows Rows { get; init; }

    /// <summary>Which of them are the surest mistakes.</summary>
    public required IReadOnlyList<int> SurestMistakes { get; init; }

    /// <summary>Which are the least certain right answers.</summary>
    public required IReadOnlyList<int> LeastCertain { get; init; }

    /// <summary>Where the network looked.</summary>
    public required IReadOnlyList<ReportLook> Looks { get; init; }

    /// <summary>The bins of the reliability diagram.</summary>
    public required IReadOnlyList<CalibrationBin> Bins { get; init; }

    /// <summary>The epochs, for the table below the curves.</summary>
    public required IReadOnlyList<ReportEpoch> Epochs { get; init; }

    /// <summary>A training batch.</summary>
    public required IReadOnlyList<ReportBatchPicture> Batch { get; init; }

    /// <summary>What was done to it.</summary>
    public required string BatchAugmentation { get; init; }

    /// <summary>Why there is none; <see langword="null"/> where there is one, or nobody asked for one.</summary>
    public required string? BatchProblem { get; init; }

    /// <summary>What the data check found, kind by kind; <see langword="null"/> where there was none.</summary>
    public required IReadOnlyList<DataKindSummary>? Findings { get; init; }

    /// <summary>Why there was none, if anybody knows.</summary>
    public required string? FindingsProblem { get; init; }

    /// <summary>The command that does it again.</summary>
    public required string? Command { get; init; }

    /// <summary>What else that takes: terms and what they are.</summary>
    public required IReadOnlyList<string[]> Reproduction { get; init; }
}

/// <summary>Figures over all pictures; see <see cref="Measures"/>.</summary>
internal sealed record ReportFigures(int Images, int Right, double Accuracy, double AccuracyLow, double AccuracyHigh, double MacroAccuracy,
    double? Top5Accuracy, double LogLoss, double CalibrationError, string MostFrequent, double TrivialAccuracy, double TrivialLogLoss,
    long UnknownClasses, long Unreadable);

/// <summary>Listed pictures, column by column.</summary>
internal sealed record ReportRows(IReadOnlyList<string> Names, IReadOnlyList<int> Labels, IReadOnlyList<int> Predicted,
    IReadOnlyList<double> Confidence, IReadOnlyList<double> LabelProbability, IReadOnlyList<byte[]?> Thumbnails);

/// <summary>A listed picture, and where the network looked.</summary>
internal sealed record ReportLook(int Row, IReadOnlyList<ReportMap> Maps);

/// <summary>
/// Where the network looked for a class: for each place a byte, 128 for a value of 0, and <paramref name="Reach"/> logits for 127 more or
/// less.
/// </summary>
internal sealed record ReportMap(int Class, int Height, int Width, double Reach, byte[] Values);

/// <summary>An epoch of a stage; <paramref name="IsKept"/> where its weights are the model's.</summary>
internal sealed record ReportEpoch(string Stage, int Epoch, double LearningRate, double TrainLoss, double TrainAccuracy,
    double? ValidationLoss, double? ValidationAccuracy, bool IsKept);

/// <summary>An image of a training batch.</summary>
internal sealed record ReportBatchPicture(string Label, byte[] Image);

/// <summary>The data of a report as JSON; see <see cref="ReportFormat"/>.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, Converters = [typeof(FiniteNumbers)])]
[JsonSerializable(typeof(ReportData))]
internal sealed partial class ReportJson : JsonSerializerContext;

/// <summary>How the data of a report are written.</summary>
internal static class ReportFormat
{
    /// <summary>Leaves the letters of all scripts as they are, and escapes those of markup.</summary>
    public static JavaScriptEncoder Encoder { get; } = JavaScriptEncoder.Create(UnicodeRanges.All);

    /// <summary>How the data become JSON.</summary>
    public static JsonTypeInfo<ReportData> Type { get; }
        = new ReportJson(new JsonSerializerOptions(ReportJson.Default.Options) { Encoder = Encoder }).ReportData;
}

/// <summary>Writes what is no number, or infinite, as null: JSON has no word for it.</summary>
internal sealed class FiniteNumbers : JsonConverter<double>
{
    /// <inheritdoc/>
    public override double Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.GetDouble();

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, double value, JsonSerializerOptions options)
    {
        if (double.IsFinite(value))
            writer.WriteNumberValue(value);
        else
            writer.WriteNullValue();
    }
}
