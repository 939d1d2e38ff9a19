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
