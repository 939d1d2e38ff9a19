using System.IO.Compression;
using System.IO.Hashing;
using System.Runtime.ExceptionServices;
using Microsoft.ML.ResNet.Foundation;
using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Persistence;

/// <summary>
/// The zip around a model, before ML.NET unpacks it to temporary files: entries that are damaged, repeat, or inflate to absurd sizes are
/// refused. Neither .NET nor ML.NET compares checksums, and a randomly damaged pipeline once kept loading for ten minutes.
/// </summary>
internal static class ModelZip
{
    private const int MaximumEntries = 10_000;
    private const long AlwaysAllowed = 64 * 1024 * 1024;
    private const int MaximumRatio = 100; // trained weights hardly shrink; text shrinks 5 to 20 times

    /// <summary>Checks the directory and every entry but weights that have a stronger checksum; reads the rest of the zip once.</summary>
    /// <param name="stream">Seekable, at the start of the zip; it is there again afterwards.</param>
    /// <exception cref="ModelFormatException">The stream holds no zip, or one that is not unpacked safely.</exception>
    public static void Check(Stream stream)
    {
        var start = stream.Position;
        try
        {
            using var zip = new ZipArchive(stream, ZipArchiveMode.Read, leaveOpen: true);
            Check(zip, stream.Length - start);
        }
        catch (InvalidDataException e) when (DiskError.Behind(e) is { } error)
        {
            ExceptionDispatchInfo.Throw(error);
        }
        // the last: an offset that is no position
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException or ArgumentException)
        {
            throw new ModelFormatException($"The model is not a readable zip: {e.Message}", e);
        }
        stream.Position = start;
    }

    private static void Check(ZipArchive zip, long length)
    {
        if (zip.Entries.Count > MaximumEntries)
            throw new ModelFormatException($"The model has {zip.Entries.Count} entries; expected at most {MaximumEntries}.");
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        var most = Math.Max(AlwaysAllowed, MaximumRatio * length);
        Int128 unpacked = 0;
        foreach (var entry in zip.Entries)
        {
            if (!names.Add(entry.FullName.Replace('\\', '/')))
                throw new ModelFormatException("The model has two entries of one name.");
            if (entry.Length < 0 || (unpacked += Math.Max(entry.Length, entry.CompressedLength)) > most)
                throw new ModelFormatException($"The model promises to unpack to more than {most} bytes, although it has only {length}.");
        }
        foreach (var entry in zip.Entries.Where(entry => entry.Name != ModelArchive.WeightsEntry))
            CheckContent(entry);
        foreach (var entry in zip.Entries.Where(entry => entry.Name == ModelArchive.WeightsEntry))
            if (!IsHashed(entry)) // after the descriptions, which tell
                CheckContent(entry);
    }

    // Weights whose SHA-256 stands beside them are compared with it when they are read: inflating them for a weaker checksum would double
    // the time to load. What is deflated is not inflated beyond the length that was checked; what is stored has that length.
    private static bool IsHashed(ZipArchiveEntry weights)
    {
        if (weights.CompressedLength > weights.Length + weights.Length / 1000 + 64)
            return false; // deflating adds less
        var description = weights.Archive.GetEntry(weights.FullName[..^weights.Name.Length] + ModelArchive.DescriptionEntry);
        if (description is null)
            return false;
        using var content = description.Open();
        return ModelArchive.HasHashOfWeights(content);
    }

    private static void CheckContent(ZipArchiveEntry entry)
    {
        using var content = entry.Open();
        var buffer = new byte[81920];
        var (length, checksum) = (0L, new Crc32());
        for (int read; length <= entry.Length && (read = content.Read(buffer)) > 0; length += read)
            checksum.Append(buffer.AsSpan(0, read));
        if (length != entry.Length || checksum.GetCurrentHashAsUInt32() != entry.Crc32)
            throw new ModelFormatException(
                $"The model's entry {UntrustedText.Quote(entry.FullName)} is damaged: length or CRC-32 differ from what the zip says.");
    }
}
