namespace Microsoft.ML.ResNet.Images.Folders;

/// <summary>A folder tree with image files: on disk or in a zip archive.</summary>
/// <param name="path">The full path of the folder or archive.</param>
internal abstract class ImageStore(string path)
{
    /// <summary>The longest encoded image that is read, in bytes.</summary>
    public const long MaxImageLength = 256L << 20;

    /// <summary>The full path of the folder or archive.</summary>
    public string Path { get; } = path;

    /// <summary>The store behind a path. Nothing is opened.</summary>
    /// <exception cref="FileNotFoundException">There is neither a file nor a folder of that name.</exception>
    public static ImageStore Of(string path)
    {
        var fullPath = System.IO.Path.GetFullPath(path);
        if (Directory.Exists(fullPath))
            return new DiskImageStore(fullPath);
        return File.Exists(fullPath)
            ? new ZipImageStore(fullPath)
            : throw new FileNotFoundException(
                $"'{fullPath}' does not exist. Expected a folder with one folder of images per class, or a .zip of such a folder.",
                fullPath);
    }

    /// <summary>
    /// The names of all files below a subfolder, relative to the store and with <c>/</c> between folders. Opens no file;
    /// may leave out files more than one level deeper than class folders.
    /// </summary>
    /// <param name="subfolder">The subfolder, with <c>/</c> between folders and no <c>/</c> at its ends; empty for the whole store.</param>
    public abstract IEnumerable<string> FileNames(string subfolder);

    /// <summary>The names of the folders directly in a subfolder, with images or without.</summary>
    /// <inheritdoc cref="FileNames"/>
    public abstract IEnumerable<string> FolderNames(string subfolder);

    /// <summary>Opens the store for one pass.</summary>
    public abstract IImageFileReader OpenReader();

    /// <summary>A file's full name for messages.</summary>
    public abstract string Describe(string fileName);
}

/// <summary>Reads files of one <see cref="ImageStore"/>. Thread-safe: images are read by the threads that decode them.</summary>
internal interface IImageFileReader : IDisposable
{
    /// <summary>Reads a whole file.</summary>
    /// <param name="fileName">One of <see cref="ImageStore.FileNames"/>.</param>
    /// <param name="bytes">Receives the file's content.</param>
    /// <returns>Null, or why the file cannot be an image that is read: expected and found.</returns>
    /// <exception cref="IOException">The file cannot be opened or read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    string? Read(string fileName, ImageBytes bytes);

    /// <summary>Reads a whole file, where one that cannot be opened or read is no exception but one more reason.</summary>
    /// <inheritdoc cref="Read"/>
    string? TryRead(string fileName, ImageBytes bytes)
    {
        try
        {
            return Read(fileName, bytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"expected a file that can be read, found that it cannot: {e.Message.TrimEnd('.')}";
        }
    }
}

/// <summary>A buffer for one encoded image, reused from image to image.</summary>
internal sealed class ImageBytes
{
    private byte[] _buffer = [];
    private int _start;
    private int _length;

    /// <summary>The content.</summary>
    public ReadOnlySpan<byte> Content => _buffer.AsSpan(_start, _length);

    /// <summary>The content, for those who need a stream of it.</summary>
    public MemoryStream ContentStream => new(_buffer, _start, _length, writable: false);

    /// <summary>Makes room for new content of a length that the caller has checked.</summary>
    /// <returns>The room; what it holds is undefined.</returns>
    public Span<byte> Resize(int length)
    {
        if (_buffer.Length < length)
            _buffer = GC.AllocateUninitializedArray<byte>(length);
        (_start, _length) = (0, length);
        return _buffer.AsSpan(0, length);
    }

    /// <summary>Keeps only a part of the content.</summary>
    public void Trim(int start, int length) => (_start, _length) = (_start + start, length);
}
