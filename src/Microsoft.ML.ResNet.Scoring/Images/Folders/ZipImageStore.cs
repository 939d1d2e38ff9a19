using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.IO.Compression;
using Microsoft.ML.ResNet.Foundation;
using Microsoft.Win32.SafeHandles;

namespace Microsoft.ML.ResNet.Images.Folders;

/// <summary>Class folders in a zip archive, read in place, by many threads at a time. The directory is read once.</summary>
internal sealed class ZipImageStore(string path) : ImageStore(path)
{
    private const string Expected = "a folder or a zip archive";

    private Listing? _listing;

    /// <inheritdoc/>
    public override IEnumerable<string> FileNames(string subfolder)
    {
        using var archive = Open(out var listing);
        return Names(listing, subfolder).Where(name => !name.EndsWith('/'));
    }

    /// <inheritdoc/>
    public override IEnumerable<string> FolderNames(string subfolder)
    {
        using var archive = Open(out var listing);
        var skip = subfolder.Length == 0 ? 0 : subfolder.Length + 1;
        return Names(listing, subfolder).Where(name => name.IndexOf('/', skip) >= 0).Select(name => name[skip..name.IndexOf('/', skip)])
            .Distinct();
    }

    /// <inheritdoc/>
    public override IImageFileReader OpenReader()
    {
        var archive = Open(out var listing);
        return new Reader(archive, listing);
    }

    /// <inheritdoc/>
    public override string Describe(string fileName) => $"{Path}:{fileName}";

    private IEnumerable<string> Names(Listing listing, string subfolder)
    {
        var entries = listing.Directory.Entries.Keys;
        if (listing.Directory.UnknownName is { } unknown)
            throw ImageFileError.Create(Path, "names of folders in UTF-8",
                $"'{unknown}' in an encoding that the archive does not tell (%XX stands for a byte)",
                "Unpack it with a program that knows the encoding and load the folder, or pack it again with names in UTF-8.");
        if (entries.FirstOrDefault(name => name.Split('/').Contains("..")) is { } outside)
            throw ImageFileError.Create(Path, "names inside the archive", $"'{outside}'");
        var prefix = subfolder.Length == 0 ? "" : subfolder + "/";
        return entries.Where(name => name.StartsWith(prefix, StringComparison.Ordinal));
    }

    /// <summary>Opens the archive; its directory is read anew only if the file is another one than last time.</summary>
    private SafeFileHandle Open(out Listing listing)
    {
        if (!RegularFile.Is(Path))
            throw ImageFileError.Create(Path, Expected, RegularFile.FoundOther);
        var archive = File.OpenHandle(Path);
        try
        {
            var (length, written) = (RandomAccess.GetLength(archive), File.GetLastWriteTimeUtc(archive));
            listing = _listing is { } last && last.Length == length && last.Written == written
                ? last
                : new(ZipDirectory.Read(archive), length, written);
            _listing = listing;
            return archive;
        }
        catch (Exception exception)
        {
            using (archive)
                if (exception is InvalidDataException)
                    throw NoArchive(archive, exception);
            throw;
        }
    }

    private InvalidDataException NoArchive(SafeFileHandle file, Exception exception)
    {
        var start = new byte[512];
        return FileSignature.Archive(start.AsSpan(0, FileBytes.Read(file, 0, start))) is { } other
            ? ImageFileError.Create(Path, Expected, other, "Unpack it and load the folder, or pack the images as a .zip.", exception)
            : ImageFileError.Create(Path, Expected, $"a truncated, damaged or foreign file ({exception.Message})", inner: exception);
    }

    /// <param name="Directory">Where the images are.</param>
    /// <param name="Length">The archive's length, in bytes.</param>
    /// <param name="Written">When it was last written to.</param>
    private sealed record Listing(ZipDirectory Directory, long Length, DateTime Written);

    private sealed class Reader(SafeFileHandle archive, Listing listing) : IImageFileReader
    {
        // A local header repeats the entry's name and may hold more than the directory does: most archives' fit into this.
        private const int UsualHeaderLength = 128;
        private const int HeaderLength = 30;
        private const uint HeaderSignature = 0x04034b50;

        private readonly ConcurrentBag<ImageBytes> _compressed = [];

        public string? Read(string fileName, ImageBytes bytes)
        {
            if (!listing.Directory.Entries.TryGetValue(fileName, out var entry))
                return "expected an entry in the archive, found none: the archive has changed";
            if (entry.Problem(listing.Length) is { } problem)
                return problem;
            if (entry.Method == ZipEntry.Stored)
                return ReadStored(entry, bytes);
            var compressed = _compressed.TryTake(out var free) ? free : new ImageBytes();
            try
            {
                return ReadStored(entry, compressed) ?? Inflate(compressed, bytes.Resize((int)entry.Length));
            }
            finally
            {
                _compressed.Add(compressed);
            }
        }

        public void Dispose() => archive.Dispose();

        /// <summary>
        /// Reads an entry as it lies in the archive, with its header: in one go where the header is as long as most are, else in two.
        /// </summary>
        private string? ReadStored(ZipEntry entry, ImageBytes bytes)
        {
            var length = (int)entry.StoredLength;
            for (var (header, tries) = (UsualHeaderLength, 0); tries < 2; tries++)
            {
                var room = bytes.Resize(header + length);
                room = room[..FileBytes.Read(archive, entry.Offset, room)];
                if (room.Length < HeaderLength || BinaryPrimitives.ReadUInt32LittleEndian(room) != HeaderSignature)
                    return Damaged($"no header at {entry.Offset}");
                header = HeaderLength + BinaryPrimitives.ReadUInt16LittleEndian(room[26..])
                    + BinaryPrimitives.ReadUInt16LittleEndian(room[28..]);
                if (header + length > room.Length)
                    continue;
                bytes.Trim(header, length);
                return null;
            }
            return Damaged("the archive ends too early");
        }

        private static string? Inflate(ImageBytes compressed, Span<byte> room)
        {
            try
            {
                using var content = new DeflateStream(compressed.ContentStream, CompressionMode.Decompress);
                content.ReadExactly(room);
                return null;
            }
            catch (Exception exception) when (ImageFileError.IsBrokenInput(exception))
            {
                return Damaged(exception.Message);
            }
        }

        private static string Damaged(string how) => $"expected an intact zip entry, found a damaged one ({how})";
    }
}
