namespace Microsoft.ML.ResNet.Images.Folders;

/// <summary>Finds the classes and their images in a store, by names alone.</summary>
internal static class ImageFolderListing
{
    /// <summary>
    /// The images, ordered by class and then by file name, both by their characters' codes, so that the order is the same everywhere.
    /// </summary>
    /// <param name="store">Where to look.</param>
    /// <param name="subfolder">The folder in it that holds the class folders; null or empty for the store itself.</param>
    /// <exception cref="InvalidDataException">There are fewer than two classes, or files lie deeper than class folders.</exception>
    public static IReadOnlyList<ImageFile> Of(ImageStore store, string? subfolder)
    {
        var folder = (subfolder ?? "").Replace('\\', '/').Trim('/');
        var skip = folder.Length == 0 ? 0 : folder.Length + 1;
        string? tooDeep = null;
        var classes = new Dictionary<string, List<string>>(StringComparer.Ordinal);
        var classesBySpan = classes.GetAlternateLookup<ReadOnlySpan<char>>();
        foreach (var name in store.FileNames(folder))
        {
            var rest = name.AsSpan(skip);
            var length = rest.IndexOf('/');
            if (length < 0 || !IsVisible(rest))
                continue;
            if (!classesBySpan.TryGetValue(rest[..length], out var files))
                classes.Add(rest[..length].ToString(), files = []);
            if (rest[(length + 1)..].Contains('/'))
                tooDeep ??= name;
            else
                files.Add(name);
        }
        var folders = classes.Keys.Order(StringComparer.Ordinal).ToList();
        var where = folder.Length == 0 ? store.Path : store.Describe(folder);
        if (tooDeep is not null)
            throw TooDeep(where, tooDeep, folders);
        if (folders.Count < 2)
            throw ImageFileError.Create(where, "at least two folders with images, one for each class", ImageFileError.List(folders));
        foreach (var files in classes.Values)
            files.Sort(StringComparer.Ordinal);
        return [.. folders.SelectMany(label => classes[label].Select(name => new ImageFile(label, name)))];
    }

    private static InvalidDataException TooDeep(string where, string file, IReadOnlyList<string> folders) =>
        ImageFileError.Create(
            where, "images directly in class folders", $"'{file}', which lies deeper",
            $"Set {nameof(ImageFolderOptions)}.{nameof(ImageFolderOptions.Subfolder)} to the folder that holds the class folders; the "
                + $"folders here are {ImageFileError.List(folders)}.");

    /// <summary>
    /// Whether a file is neither hidden nor left behind by a file manager (<c>.DS_Store</c>, <c>__MACOSX/</c>, <c>Thumbs.db</c>,
    /// <c>desktop.ini</c>).
    /// </summary>
    private static bool IsVisible(ReadOnlySpan<char> name)
    {
        var file = name[(name.LastIndexOf('/') + 1)..];
        return !name.StartsWith('.') && !name.Contains("/.", StringComparison.Ordinal)
            && !name.StartsWith("__MACOSX/", StringComparison.Ordinal)
            && !file.Equals("Thumbs.db", StringComparison.OrdinalIgnoreCase)
                && !file.Equals("desktop.ini", StringComparison.OrdinalIgnoreCase);
    }
}
