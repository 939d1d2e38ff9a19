using System.Security.Cryptography;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Persistence;

/// <summary>
/// A model as two entries of ML.NET's zip: <c>model.json</c> and <c>weights.safetensors</c> (docs/model-format.md). Nothing read is
/// trusted: sizes are compared with what the file holds before memory is taken.
/// </summary>
internal static class ModelArchive
{
    /// <summary>How ML.NET's files name who reads the network.</summary>
    public const string LoaderSignature = "ResNetTransformer";

    /// <summary>The entry of the description.</summary>
    public const string DescriptionEntry = "model.json";

    /// <summary>The entry of the weights.</summary>
    public const string WeightsEntry = "weights.safetensors";

    /// <summary>The longest description that is written or read, in bytes; a hostile one takes ten times its length in memory.</summary>
    public const int MaximumDescriptionLength = 16 * 1024 * 1024;

    /// <summary>Writes the weights.</summary>
    /// <param name="stream">Written from its position; stays open.</param>
    /// <param name="model">The model.</param>
    /// <returns>The SHA-256 of what was written, as 64 hexadecimal digits.</returns>
    public static string WriteWeights(Stream stream, TrainedResNet model)
    {
        using var hash = SHA256.Create();
        using (var hashed = new CryptoStream(stream, hash, CryptoStreamMode.Write, leaveOpen: true))
            Safetensors.Write(hashed, model.Weights, new Dictionary<string, string> { ["architecture"] = model.Architecture.Name });
        return Convert.ToHexStringLower(hash.Hash!);
    }

    /// <summary>Writes the description.</summary>
    /// <param name="stream">Written from its position; stays open.</param>
    /// <param name="model">The model.</param>
    /// <param name="columns">Its columns.</param>
    /// <param name="weightsHash">What <see cref="WriteWeights"/> returned.</param>
    /// <exception cref="InvalidOperationException">The model is so large that it could not be read again.</exception>
    public static void WriteDescription(Stream stream, TrainedResNet model, ModelColumns columns, string weightsHash)
        => stream.Write(CheckedDescription(model, columns, weightsHash));

    /// <summary>Finds out whether a model can be saved, before anything is written.</summary>
    /// <param name="model">The model.</param>
    /// <param name="columns">Its columns.</param>
    /// <exception cref="InvalidOperationException">The model is so large that it could not be read again.</exception>
    public static void CheckSaveable(TrainedResNet model, ModelColumns columns)
        => CheckedDescription(model, columns, new string('0', 2 * SHA256.HashSizeInBytes));

    private static byte[] CheckedDescription(TrainedResNet model, ModelColumns columns, string weightsHash)
    {
        var bytes = Describe(model, columns, weightsHash).Write();
        try
        {
            Read(bytes);
        }
        catch (ModelFormatException e)
        {
            throw new InvalidOperationException($"The model cannot be saved, because it could not be loaded again: {e.Message}", e);
        }
        return bytes;
    }

    /// <summary>Reads a model.</summary>
    /// <param name="description">The entry <see cref="DescriptionEntry"/>.</param>
    /// <param name="weights">The entry <see cref="WeightsEntry"/>; seekable.</param>
    /// <exception cref="ModelFormatException">The entries are damaged or contradict each other.</exception>
    public static (TrainedResNet Model, ModelColumns Columns) Read(Stream description, Stream weights)
    {
        var (read, architecture, shape, normalization, classes, columns, geometry) = Read(ReadBounded(description));
        var (history, keptEpoch) = HistoryJson.Read(read.History);
        CheckHash(weights, read.Weights?.Sha256);
        var tensors = ReadWeights(weights);
        WeightCheck.Check(tensors, architecture, shape.Channels, read.Classes.Count);
        return (new TrainedResNet(architecture, shape, normalization, classes, tensors, read.FlipsAtTestTime)
        {
            History = history,
            KeptEpoch = keptEpoch,
            Geometry = geometry,
        }, columns);
    }

    /// <summary>Finds out whether reading the weights will compare them with a checksum.</summary>
    /// <param name="description">The entry <see cref="DescriptionEntry"/>; one that cannot be read has none.</param>
    public static bool HasHashOfWeights(Stream description)
    {
        try
        {
            return ReadBounded(description) is { Length: <= MaximumDescriptionLength } utf8
                && ModelDescription.Read(utf8).Weights?.Sha256 is not null;
        }
        catch (ModelFormatException)
        {
            return false;
        }
    }

    private static ModelDescription Describe(TrainedResNet model, ModelColumns columns, string weightsHash)
    {
        var (plan, shape, normalization) = (model.Architecture, model.Shape, model.Normalization);
        return new ModelDescription
        {
            Format = model.Geometry == ImageGeometry.Legacy ? 1 : ModelDescription.CurrentFormat, // older readers take the first
            Architecture = new(plan.Stem, plan.StemWidth, plan.Block, plan.Shortcut, plan.ConvolutionBias,
                [.. plan.Stages.Select(stage => new ModelDescription.StageDescription(stage.Width, stage.Blocks, stage.Stride))], plan.Name,
                plan.Naming),
            Image = new(shape.Channels, shape.Height, shape.Width, normalization.Mean, normalization.Deviation, columns.Layout,
                columns.Order, columns.Range.IsBytes ? null : columns.Range.Black, columns.Range.IsBytes
                    ? null
                    : columns.Range.Full, Describe(model.Geometry)),
            Classes = ClassLabelsJson.Write(model.Classes),
            Columns = new(columns.FeatureColumn, columns.LabelColumn, columns.ScoreColumn, columns.PredictedLabelColumn,
                columns.ProblemColumn),
            FlipsAtTestTime = model.TestTimeFlip,
            Weights = new(weightsHash),
            History = HistoryJson.Write(model.History, model.KeptEpoch),
        };
    }

    private static ModelDescription.GeometryDescription? Describe(ImageGeometry geometry)
        => geometry == ImageGeometry.Legacy
            ? null
            : new(geometry.Fit, geometry.Fit == ImageFit.CenterCrop ? geometry.CropRatio : null, geometry.HonorOrientation,
                geometry.Interpolation);

    private static (ModelDescription, ResNetArchitecture, ImageShape, Normalization, ClassLabels,
        ModelColumns, ImageGeometry) Read(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length > MaximumDescriptionLength)
            throw new ModelFormatException($"{DescriptionEntry} has more than {MaximumDescriptionLength} bytes.");
        var read = ModelDescription.Read(utf8);
        return (read, DescriptionReader.Architecture(read.Architecture), DescriptionReader.Shape(read.Image),
            DescriptionReader.Normalization(read.Image),
            ClassLabelsJson.Read(read.Classes), DescriptionReader.Columns(read.Columns, read.Image),
                DescriptionReader.Geometry(read.Image));
    }

    private static byte[] ReadBounded(Stream stream)
    {
        using var copy = new MemoryStream();
        var buffer = new byte[81920];
        for (int read; copy.Length <= MaximumDescriptionLength && (read = stream.Read(buffer)) > 0;)
            copy.Write(buffer, 0, read);
        return copy.ToArray();
    }

    private static void CheckHash(Stream weights, string? expected)
    {
        if (expected is null)
            return;
        var start = weights.Position;
        var found = Convert.ToHexStringLower(SHA256.HashData(weights));
        if (!found.Equals(expected, StringComparison.OrdinalIgnoreCase))
            throw new ModelFormatException(
                $"{WeightsEntry} is damaged: its SHA-256 is {found}, {DescriptionEntry} says {UntrustedText.Quote(expected)}.");
        weights.Position = start;
    }

    private static IReadOnlyList<NamedTensor> ReadWeights(Stream stream)
    {
        try
        {
            return Safetensors.Read(stream, out _);
        }
        catch (WeightsFormatException e)
        {
            throw new ModelFormatException($"{WeightsEntry} cannot be read: {e.Message}", e);
        }
    }
}
