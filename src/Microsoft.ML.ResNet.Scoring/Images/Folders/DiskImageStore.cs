using Microsoft.ML.ResNet.Foundation;

namespace Microsoft.ML.ResNet.Images.Folders;

/// <summary>Class folders on disk.</summary>
internal sealed class DiskImageStore(string path) : ImageStore(path)
{
    // base / class / one level too deep: enough to notice that class folders hold folders, without following a tree (or a loop of links) to
    // its end
    private const int DeepestLevel = 2;

    // On Windows what the user has hidden stays hidden; elsewhere hiding is a matter of names, which the listing judges.
    private static readonly FileAttributes Hidden = OperatingSystem.IsWindows() ? FileAttributes.Hidden | FileAttributes.System : 0;

    /// <inheritdoc/>
    public override IEnumerable<string> FileNames(string subfolder)
    {
        var root = System.IO.Path.Combine(Path, subfolder);
        if (!Directory.Exists(root))
            return [];
        var skip = System.IO.Path.EndsInDirectorySeparator(Path) ? Path.Length : Path.Length + 1;
        return Directory.EnumerateFiles(root, "*", Everything(DeepestLevel))
            .Select(file => file[skip..].Replace(System.IO.Path.DirectorySeparatorChar, '/'));
    }

    /// <inheritdoc/>
    public override IEnumerable<string> FolderNames(string subfolder)
    {
        var root = System.IO.Path.Combine(Path, subfolder);
        return Directory.Exists(root)
            ? Directory.EnumerateDirectories(root, "*", Everything(0)).Select(folder => System.IO.Path.GetFileName(folder))
            : [];
    }

    /// <inheritdoc/>
    public override IImageFileReader OpenReader() => new Reader(this);

    /// <inheritdoc/>
    public override string Describe(string fileName) => System.IO.Path.Combine(Path, fileName);

    private static EnumerationOptions Everything(int levels) => new()
    {
        RecurseSubdirectories = levels > 0,
        MaxRecursionDepth = levels,
        IgnoreInaccessible = false,
        AttributesToSkip = Hidden,
    };

    private sealed class Reader(DiskImageStore store) : IImageFileReader
    {
        public string? Read(string fileName, ImageBytes bytes)
        {
            var path = store.Describe(fileName);
            using var file = RegularFile.TryOpen(path, out var length);
            if (file is null)
                return $"expected a file, found {RegularFile.FoundOther}";
            if (length > MaxImageLength)
                return $"expected at most {MaxImageLength} bytes, found {length}";
            var room = bytes.Resize((int)length);
            try
            {
                var read = FileBytes.Read(file, 0, room);
                return read == room.Length ? null : $"expected {room.Length} bytes, found {read}: the file is being written";
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new IOException($"'{path}' cannot be read: {e.Message}", e);
            }
        }

        public void Dispose()
        {
        }
    }
}
