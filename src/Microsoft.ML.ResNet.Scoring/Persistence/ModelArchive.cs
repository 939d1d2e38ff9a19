using System.IO.Compression;
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
        var length = weights.Length - weights.Position;
        using var opened = Open(description, weights, length, believed: length);
        opened.Verify();
        return (opened.Model, opened.Columns);
    }

    /// <summary>Reads a model, whose weights are still to be compared with their checksum.</summary>
    /// <param name="description">The entry <see cref="DescriptionEntry"/>.</param>
    /// <param name="weights">The entry <see cref="WeightsEntry"/>; seekable where it is longer than an array.</param>
    /// <param name="length">How many bytes it promises to have.</param>
    /// <param name="believed">How many of them are believed before they have come.</param>
    /// <exception cref="ModelFormatException">The entries are damaged or contradict each other.</exception>
    public static OpenedModel Open(Stream description, Stream weights, long length, long believed)
    {
        var (read, architecture, shape, normalization, classes, columns, geometry) = Read(ReadBounded(description));
        var (history, keptEpoch) = HistoryJson.Read(read.History);
        var checksum = new WeightsChecksum(read.Weights?.Sha256);
        try
        {
            var tensors = Checked(ReadWeights(weights, length, believed, checksum), architecture, shape.Channels, read.Classes.Count,
                checksum);
            return new(new TrainedResNet(architecture, shape, normalization, classes, tensors, read.FlipsAtTestTime)
            {
                History = history,
                KeptEpoch = keptEpoch,
                Geometry = geometry,
            }, columns, checksum);
        }
        catch
        {
            checksum.Dispose();
            throw;
        }
    }

    /// <summary>Reads a model whose weights are an entry of a zip, and are still to be compared with their checksum.</summary>
    /// <param name="description">The entry <see cref="DescriptionEntry"/>.</param>
    /// <param name="weights">The entry <see cref="WeightsEntry"/>.</param>
    /// <exception cref="ModelFormatException">The entries are damaged or contradict each other.</exception>
    public static OpenedModel Open(Stream description, ZipArchiveEntry weights)
    {
        if (weights.Length > UntrustedBytes.MaximumCount)
            throw new ModelFormatException($"The weights have {weights.Length} bytes; expected at most {UntrustedBytes.MaximumCount}.");
        using var content = weights.Open();
        // weights hardly shrink: what claims more than twice what it takes in the file is not believed before it has come
        return Open(description, content, weights.Length, believed: 2 * weights.CompressedLength);
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

    // What is longer than an array is read tensor by tensor, after all of it has been compared.
    private static Stream ReadWeights(Stream weights, long length, long believed, WeightsChecksum checksum)
    {
        if (length > UntrustedBytes.MaximumCount)
        {
            checksum.Verify(weights);
            return weights;
        }
        if (!UntrustedBytes.TryRead(weights, length, out var bytes, out var available, believed, checksum.Append))
            throw new ModelFormatException($"The weights promise {length} bytes and have {available}.");
        return new MemoryStream(bytes, 0, bytes.Length, writable: false, publiclyVisible: true); // so that none is copied
    }

    private static IReadOnlyList<NamedTensor> Parse(Stream stream)
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

    private static IReadOnlyList<NamedTensor> Checked(Stream weights, ResNetArchitecture architecture, int channels, int classes,
        WeightsChecksum checksum)
    {
        try
        {
            var tensors = Parse(weights);
            WeightCheck.Check(tensors, architecture, channels, classes);
            return tensors;
        }
        catch (ModelFormatException)
        {
            checksum.Verify(); // damage explains whatever else is wrong
            throw;
        }
    }
}
