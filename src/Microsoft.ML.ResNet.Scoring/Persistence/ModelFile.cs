using System.IO.Compression;
using System.Runtime.ExceptionServices;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.ML.ResNet.Foundation;
using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Persistence;

/// <summary>
/// The network in a model file, read without ML.NET: of the zip, only the folders in which ML.NET would look for the steps of a pipeline,
/// and of these only a step that it would take for a residual network.
/// </summary>
internal static partial class ModelFile
{
    private const string HeaderEntry = "Model.key";
    private const int SignatureOffset = 0x50, SignatureLength = 24; // of the loader, in the header that ML.NET's ModelHeader describes

    /// <summary>Reads the first network of a model.</summary>
    /// <inheritdoc cref="Open"/>
    public static TrainedResNet Read(Stream stream)
    {
        using var opened = Open(stream);
        opened.Verify();
        return opened.Model;
    }

    /// <summary>Reads the first network of a model, whose weights are still to be compared with their checksum.</summary>
    /// <param name="stream">Readable and seekable, at the start of the file; not needed any more afterwards.</param>
    /// <exception cref="ModelFormatException">The file is damaged, no model, or one without a residual network.</exception>
    /// <exception cref="IOException">The stream failed.</exception>
    public static OpenedModel Open(Stream stream)
    {
        ModelZip.Check(stream);
        try
        {
            using var zip = new ZipArchive(stream, ZipArchiveMode.Read, leaveOpen: true);
            var (description, weights) = Entries(zip);
            using var text = description.Open();
            return ModelArchive.Open(text, weights);
        }
        catch (InvalidDataException e) when (DiskError.Behind(e) is { } error)
        {
            ExceptionDispatchInfo.Throw(error);
            throw;
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException)
        {
            throw new ModelFormatException($"The model's entries are damaged: {e.Message}", e);
        }
    }

    // Steps of a pipeline lie in folders whose numbers have leading zeros, so that the order of their names is theirs. ML.NET writes
    // backslashes on Windows.
    private static (ZipArchiveEntry Description, ZipArchiveEntry Weights) Entries(ZipArchive zip)
    {
        var entries = zip.Entries.ToDictionary(entry => entry.FullName.Replace('\\', '/'), StringComparer.Ordinal);
        foreach (var name in entries.Keys.Order(StringComparer.Ordinal))
            if (Step().Match(name) is { Success: true } step && entries.TryGetValue(step.Value + HeaderEntry, out var header)
                && entries.TryGetValue(step.Value + ModelArchive.WeightsEntry, out var weights) && IsNetwork(header))
                return (entries[name], weights);
        throw new ModelFormatException("The model has no residual network: no step of it has an entry "
            + $"'{ModelArchive.DescriptionEntry}' with '{ModelArchive.WeightsEntry}' and '{HeaderEntry}' beside it.");
    }

    // What decides in ML.NET who reads a step.
    private static bool IsNetwork(ZipArchiveEntry header)
    {
        using var content = header.Open();
        var start = new byte[SignatureOffset + SignatureLength];
        return content.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length
            && Encoding.ASCII.GetString(start.AsSpan(SignatureOffset)).TrimEnd('\0') == ModelArchive.LoaderSignature;
    }

    [GeneratedRegex(@"^TransformerChain/(Transform_\d+/)*(?=model\.json$)", RegexOptions.ECMAScript)]
    private static partial Regex Step();
}
