using System.IO.Compression;
using System.Runtime.ExceptionServices;
using Microsoft.ML.ResNet.Foundation;
using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Persistence;

/// <summary>
/// The network in a model file, read without ML.NET: of the zip, only the two entries that are <see cref="ModelArchive"/>'s are looked at,
/// wherever in a pipeline they lie.
/// </summary>
internal static class ModelFile
{
    /// <summary>Reads the first network of a model.</summary>
    /// <param name="stream">Readable and seekable, at the start of the file.</param>
    /// <exception cref="ModelFormatException">The file is damaged, no model, or one without a residual network.</exception>
    /// <exception cref="IOException">The stream failed.</exception>
    public static TrainedResNet Read(Stream stream)
    {
        ModelZip.Check(stream);
        try
        {
            using var zip = new ZipArchive(stream, ZipArchiveMode.Read, leaveOpen: true);
            var (description, weights) = Entries(zip);
            using var text = description.Open();
            var bytes = ReadAll(weights);
            using var tensors = new MemoryStream(bytes, 0, bytes.Length, writable: false, publiclyVisible: true); // so that none is copied
            return ModelArchive.Read(text, tensors).Model;
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

    // Steps of a pipeline lie in folders whose numbers have leading zeros, so that the order of their names is theirs.
    private static (ZipArchiveEntry Description, ZipArchiveEntry Weights) Entries(ZipArchive zip)
    {
        var networks = from description in zip.Entries.OrderBy(entry => entry.FullName, StringComparer.Ordinal)
                       where description.Name == ModelArchive.DescriptionEntry
                       let folder = description.FullName[..^description.Name.Length]
                       let weights = zip.GetEntry(folder + ModelArchive.WeightsEntry)
                       where weights is not null
                       select (description, weights);
        return networks.Cast<(ZipArchiveEntry, ZipArchiveEntry)?>().FirstOrDefault() ?? throw new ModelFormatException(
            $"The model has no residual network: no entry '{ModelArchive.DescriptionEntry}' with '{ModelArchive.WeightsEntry}' beside it.");
    }

    private static byte[] ReadAll(ZipArchiveEntry entry)
    {
        if (entry.Length > Array.MaxLength)
            throw new ModelFormatException($"The weights have {entry.Length} bytes; expected at most {Array.MaxLength}.");
        using var content = entry.Open();
        var bytes = GC.AllocateUninitializedArray<byte>((int)entry.Length); // ModelZip has compared it with the file's own length
        content.ReadExactly(bytes);
        return bytes;
    }
}
