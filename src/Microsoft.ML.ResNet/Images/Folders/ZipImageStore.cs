using System.IO.Compression;

namespace Microsoft.ML.ResNet.Images.Folders;

/// <summary>Class folders in a zip archive, read in place.</summary>
internal sealed class ZipImageStore(string path) : ImageStore(path)
{
    // Deflate cannot shrink better than 1 : 1,032, so a claimed length beyond that is a lie and no memory is set aside for it.
    private const long BestCompression = 1032;

    /// <inheritdoc/>
    public override IEnumerable<string> FileNames(string subfolder)
    {
        using var archive = Open();
        var prefix = subfolder.Length == 0 ? "" : subfolder + "/";
        return archive.Entries.Select(entry => entry.FullName)
            .Where(name => name.StartsWith(prefix, StringComparison.Ordinal) && !name.EndsWith('/'))
            .ToList();
    }

    /// <inheritdoc/>
    public override IImageReader OpenReader() => new Reader(Open());

    /// <inheritdoc/>
    public override string Describe(string fileName) => $"{Path}:{fileName}";

    private ZipArchive Open()
    {
        ZipArchive? archive = null;
        try
        {
            archive = ZipFile.OpenRead(Path);
            _ = archive.Entries.Count; // reads the directory now, so that its errors are reported here
            return archive;
        }
        catch (Exception exception) when (ImageFileError.IsBrokenInput(exception))
        {
            archive?.Dispose();
            throw ImageFileError.Create(Path, "a folder or a zip archive", $"a truncated, damaged or foreign file ({exception.Message})", inner: exception);
        }
    }

    /// <summary>One archive for all threads, inflated under a lock (an archive has one position in its file); decoding, the larger part, is parallel.</summary>
    private sealed class Reader(ZipArchive archive) : IImageReader
    {
        private readonly Lock _gate = new();

        public string? Read(string fileName, ImageBytes bytes)
        {
            lock (_gate)
            {
                try
                {
                    var entry = archive.GetEntry(fileName);
                    return entry is null ? "expected an entry in the archive, found none: the archive has changed" : Read(entry, bytes);
                }
                catch (Exception exception) when (ImageFileError.IsBrokenInput(exception))
                {
                    return $"expected an intact zip entry, found a damaged one ({exception.Message})";
                }
            }
        }

        public void Dispose() => archive.Dispose();

        private static string? Read(ZipArchiveEntry entry, ImageBytes bytes)
        {
            var limit = Math.Min(MaxImageLength, (entry.CompressedLength + 1) * BestCompression);
            if (entry.Length > limit)
                return $"expected at most {limit} bytes, found an entry that claims {entry.Length}";
            using var content = entry.Open();
            content.ReadExactly(bytes.Resize((int)entry.Length));
            return null;
        }
    }
}
