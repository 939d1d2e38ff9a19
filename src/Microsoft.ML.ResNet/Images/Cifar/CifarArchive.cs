using System.Formats.Tar;
using System.IO.Compression;

namespace Microsoft.ML.ResNet.Images.Cifar;

/// <summary>The official <c>.tar.gz</c>, streamed: never unpacked to disk and never whole in memory. Files come in the archive's order.</summary>
internal sealed class CifarArchive(string path) : CifarLocation(path)
{
    private const string Expected = "a gzip-compressed tar archive";

    /// <inheritdoc/>
    public override bool ListsQuickly => false;

    /// <inheritdoc/>
    public override IEnumerable<CifarFile> Files()
    {
        using var file = File.OpenRead(Path);
        using var gzip = new GZipStream(file, CompressionMode.Decompress);
        using var tar = new TarReader(gzip);
        while (Next(tar) is { } entry)
            if (entry.EntryType is TarEntryType.RegularFile or TarEntryType.V7RegularFile)
                yield return new CifarFile(entry.Name[(entry.Name.LastIndexOf('/') + 1)..], $"{Path}:{entry.Name}", entry.Length, () => entry.DataStream ?? Stream.Null);
        CheckEnd(gzip);
    }

    private TarEntry? Next(TarReader tar) => Guarded(() => tar.GetNextEntry());

    /// <summary>Reads what follows the last entry, so that gzip's check sum at the very end is compared, too.</summary>
    private void CheckEnd(GZipStream gzip) => Guarded(() =>
    {
        gzip.CopyTo(Stream.Null);
        return gzip;
    });

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
