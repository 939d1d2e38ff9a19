using System.IO.Compression;

namespace Microsoft.ML.ResNet.Images.Cifar;

/// <summary>
/// The official <c>.tar.gz</c>, streamed: never unpacked to disk and never whole in memory. Files come in the archive's order.
/// </summary>
internal sealed class CifarArchive(string path) : CifarLocation(path)
{
    private const string Expected = "a gzip-compressed tar archive";
    private const int EndMarkerLength = 1024;

    /// <inheritdoc/>
    public override bool ListsQuickly => false;

    /// <inheritdoc/>
    public override IEnumerable<CifarFile> Files()
    {
        using var file = CifarFile.OpenOnDisk(Path);
        using var unzipped = new ZeroTailStream(new GZipStream(file, CompressionMode.Decompress));
        var files = new TarFiles(unzipped);
        while (Guarded(files.Next) is { } entry)
            if (entry.IsRegular)
                yield return new CifarFile(entry.Name[(entry.Name.LastIndexOf('/') + 1)..], $"{Path}:{entry.Name}", entry.Length,
                    () => files.Content);
        CheckEnd(unzipped);
    }

    /// <summary>
    /// Reads what follows the last file, so that gzip compares its check sum at the very end, and demands the end marker of a tar archive.
    /// </summary>
    private void CheckEnd(ZeroTailStream unzipped)
    {
        Guarded(() =>
        {
            unzipped.CopyTo(Stream.Null);
            return true;
        });
        if (unzipped.TrailingZeros < EndMarkerLength)
            throw ImageFileError.Create(Path, $"{Expected} that ends with {EndMarkerLength} zero bytes",
                $"a truncated or foreign file: it ends with {unzipped.TrailingZeros}");
    }

    private T Guarded<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception exception) when (ImageFileError.IsBrokenInput(exception))
        {
            throw ImageFileError.Create(Path, Expected, $"a truncated, damaged or foreign file ({exception.Message})", inner: exception);
        }
    }
}
