namespace Microsoft.ML.ResNet.Data;

/// <summary>
/// A temporary file of images of one shape, or of features, one behind the other. It is gone when this object is disposed, when it is
/// collected, and when the process ends, however that ends. Rows may be read by several threads.
/// </summary>
internal sealed class PixelFile : IDisposable
{
    private readonly FileStream _file;
    private long _length;

    /// <param name="file">Unbuffered, empty, to be read and written; the new object takes it over.</param>
    /// <param name="row">What it holds for each image.</param>
    internal PixelFile(FileStream file, StoredRow row) => (_file, Row) = (file, row);

    /// <summary>What it holds for each image.</summary>
    public StoredRow Row { get; }

    /// <summary>Creates the file.</summary>
    /// <param name="folder">A folder on a disk with room.</param>
    /// <param name="row">What it holds for each image.</param>
    /// <param name="expectedBytes">How large the file will become, as far as that is known.</param>
    /// <exception cref="IOException">The folder has too little room, is not there, or may not be written to.</exception>
    public static PixelFile Create(string folder, StoredRow row, long expectedBytes)
    {
        SpillFolder.CheckRoom(folder, expectedBytes, SpillFolder.FreeBytes(folder));
        try
        {
            return new PixelFile(Open(Path.Combine(folder, $"resnet-{Guid.NewGuid():n}.pixels")), row);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException(
                $"The images need more memory than ImageMemoryBudgetMiB grants, and no temporary file for them could be made in "
                + $"'{folder}': {e.Message} {SpillFolder.Advice}", e);
        }
    }

    /// <summary>Writes images behind those that are there.</summary>
    /// <exception cref="IOException">The disk is full, or cannot be written to.</exception>
    public void Append(ReadOnlySpan<byte> images) => Write(images, _length);

    /// <summary>Writes one image where it belongs, be those before it there or not.</summary>
    /// <param name="row">Which, from 0.</param>
    /// <param name="image">Its bytes.</param>
    /// <exception cref="IOException">The disk is full, or cannot be written to.</exception>
    public void Write(long row, ReadOnlySpan<byte> image) => Write(image, row * Row.Bytes);

    /// <summary>Reads one image.</summary>
    /// <param name="row">Which, from 0.</param>
    /// <param name="image">Where it goes: the bytes of one image.</param>
    /// <exception cref="IOException">The file cannot be read, or lost its end.</exception>
    public void Read(long row, Span<byte> image)
    {
        for (var (offset, read) = (row * Row.Bytes, 0); read < image.Length;)
        {
            var count = RandomAccess.Read(_file.SafeFileHandle, image[read..], offset + read);
            if (count == 0)
                throw new IOException(
                    $"The temporary file of images '{_file.Name}' ends at {offset + read} of {_length} bytes. Another program has "
                    + "shortened it; train again.");
            read += count;
        }
    }

    /// <summary>Closes the file, which deletes it.</summary>
    public void Dispose() => _file.Dispose();

    private void Write(ReadOnlySpan<byte> bytes, long offset)
    {
        try
        {
            RandomAccess.Write(_file.SafeFileHandle, bytes, offset);
        }
        catch (IOException e)
        {
            throw new IOException(
                $"The temporary file of images '{_file.Name}' could not be written beyond {offset} bytes: {e.Message} "
                + $"{SpillFolder.Advice}", e);
        }
        _length = Math.Max(_length, offset + bytes.Length);
    }

    // Windows deletes a file when its last handle is closed, by the end of the process too. Elsewhere a file without a name lives as long
    // as its handle.
    private static FileStream Open(string path)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            Share = FileShare.None,
            BufferSize = 0
        };
        if (OperatingSystem.IsWindows())
        {
            options.Options = FileOptions.DeleteOnClose;
            return new FileStream(path, options);
        }
        options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite; // other people's images are nobody's business
        var file = new FileStream(path, options);
        File.Delete(path);
        return file;
    }
}
