namespace Microsoft.ML.ResNet.Images.Cifar;

/// <summary>A path that the user gave: a single file, a folder or an archive, seen as a sequence of files.</summary>
/// <param name="path">The full path; it exists.</param>
internal abstract class CifarLocation(string path)
{
    /// <summary>The full path.</summary>
    public string Path { get; } = path;

    /// <summary>Whether listing the files is cheap; otherwise it means reading an archive from end to end.</summary>
    public virtual bool ListsQuickly => true;

    /// <summary>The location behind a path. Nothing is opened.</summary>
    /// <exception cref="FileNotFoundException">There is neither a file nor a folder of that name.</exception>
    public static CifarLocation Of(string path)
    {
        var fullPath = System.IO.Path.GetFullPath(path);
        if (Directory.Exists(fullPath))
            return new CifarFolder(fullPath);
        if (!File.Exists(fullPath))
            throw new FileNotFoundException(
                $"'{fullPath}' does not exist. Expected a CIFAR .bin file, a folder with such files, or the official .tar.gz.", fullPath);
        return IsArchive(fullPath) ? new CifarArchive(fullPath) : new CifarSingleFile(fullPath);
    }

    /// <summary>
    /// One pass over all files, in an order that does not change. A file's content must be read before the next file is asked for.
    /// </summary>
    public abstract IEnumerable<CifarFile> Files();

    /// <summary>The layout of the images here.</summary>
    /// <param name="files">All files here: names and lengths count, contents do not.</param>
    /// <param name="options">Which formats come into question, and which split is wanted.</param>
    /// <exception cref="InvalidDataException">No layout fits, or several do.</exception>
    public virtual CifarLayout ChooseLayout(IReadOnlyCollection<CifarFile> files, CifarBinaryOptions options)
    {
        var candidates = CifarLayout.Candidates(options.Format);
        var fitting = candidates.Where(layout => files.Any(file => layout.Matches(file.Name, options.Split))).ToList();
        if (fitting.Count == 1)
            return fitting[0];
        var expected = string.Join(" or ", candidates.Select(layout => $"{layout.FilesOf(options.Split)} ({layout.Name})"));
        throw fitting.Count == 0
            ? ImageFileError.Create(Path, $"{expected} for the {options.Split} split", ImageFileError.List(files.Select(file => file.Name)))
            : ImageFileError.Create(Path, $"{expected}, one of them", "both",
                $"Set {nameof(CifarBinaryOptions)}.{nameof(CifarBinaryOptions.Format)} to choose.");
    }

    /// <summary>Whether a file holds images of the wanted split.</summary>
    public virtual bool IsWanted(CifarFile file, CifarLayout layout, CifarSplit split) => layout.Matches(file.Name, split);

    private static bool IsArchive(string path) =>
        path.EndsWith(".tar.gz", StringComparison.OrdinalIgnoreCase) || path.EndsWith(".tgz", StringComparison.OrdinalIgnoreCase);
}
