namespace Microsoft.ML.ResNet.Images.Folders;

/// <summary>Class folders on disk.</summary>
internal sealed class DiskImageStore(string path) : ImageStore(path)
{
    // base / class / one level too deep: enough to notice that class folders hold folders, without following a tree (or a loop of links) to
    // its end
    private const int DeepestLevel = 2;

    /// <inheritdoc/>
    public override IEnumerable<string> FileNames(string subfolder)
    {
        var root = System.IO.Path.Combine(Path, subfolder);
        if (!Directory.Exists(root))
            return [];
        var options = new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = DeepestLevel, IgnoreInaccessible = false };
        var skip = System.IO.Path.EndsInDirectorySeparator(Path) ? Path.Length : Path.Length + 1;
        return Directory.EnumerateFiles(root, "*", options)
            .Select(file => file[skip..].Replace(System.IO.Path.DirectorySeparatorChar, '/'));
    }

    /// <inheritdoc/>
    public override IImageFileReader OpenReader() => new Reader(this);

    /// <inheritdoc/>
    public override string Describe(string fileName) => System.IO.Path.Combine(Path, fileName);

    private sealed class Reader(DiskImageStore store) : IImageFileReader
    {
        public string? Read(string fileName, ImageBytes bytes)
        {
            using var file = File.OpenHandle(store.Describe(fileName));
            var length = RandomAccess.GetLength(file);
            if (length > MaxImageLength)
                return $"expected at most {MaxImageLength} bytes, found {length}";
            var room = bytes.Resize((int)length);
            var read = FileBytes.Read(file, 0, room);
            return read == room.Length ? null : $"expected {room.Length} bytes, found {read}: the file is being written";
        }

        public void Dispose()
        {
        }
    }
}
