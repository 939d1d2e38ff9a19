using System.Globalization;
using System.Text;

namespace Microsoft.ML.ResNet.Images.Folders;

/// <summary>The classes and their images in a store, found by names alone.</summary>
/// <param name="Files">
/// The images, ordered by class and then by file name, both by their characters' codes, so that the order is the same everywhere. Classes
/// that are all numbers are ordered as numbers.
/// </param>
/// <param name="Remarks">What is odd about the folders, in sentences, and does not keep them from being used.</param>
internal sealed record ImageFolderListing(IReadOnlyList<ImageFile> Files, IReadOnlyList<string> Remarks)
{
    // What version control, editors, notebooks, operating systems and disks leave among folders. Other folders that begin with a dot are
    // classes: '.NET' is one.
    private static readonly HashSet<string> ToolFolders = new(StringComparer.OrdinalIgnoreCase)
    {
        "__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information", "lost+found",
        ".git", ".hg", ".svn", ".dvc", ".cache", ".idea", ".vs", ".vscode", ".ipynb_checkpoints", ".huggingface",
        ".AppleDouble", ".DocumentRevisions-V100", ".fseventsd", ".Spotlight-V100", ".TemporaryItems", ".Trash", ".Trashes", ".thumbnails",
    };

    private static readonly HashSet<string> ToolFiles = new(StringComparer.OrdinalIgnoreCase) { "Thumbs.db", "desktop.ini" };

    /// <summary>Lists a store.</summary>
    /// <param name="store">Where to look.</param>
    /// <param name="subfolder">The folder in it that holds the class folders; null or empty for the store itself.</param>
    /// <exception cref="InvalidDataException">
    /// There are fewer than two classes, a class's name is not Unicode, or files lie deeper than class folders.
    /// </exception>
    public static ImageFolderListing Of(ImageStore store, string? subfolder)
    {
        var folder = (subfolder ?? "").Replace('\\', '/').Trim('/');
        var skip = folder.Length == 0 ? 0 : folder.Length + 1;
        string? tooDeep = null;
        var folders = new Dictionary<string, List<string>>(StringComparer.Ordinal);
        foreach (var name in store.FolderNames(folder).Where(IsClass))
            folders.Add(name, []);
        var foldersBySpan = folders.GetAlternateLookup<ReadOnlySpan<char>>();
        foreach (var name in store.FileNames(folder))
        {
            var rest = name.AsSpan(skip);
            var length = rest.IndexOf('/');
            if (length < 0 || !foldersBySpan.TryGetValue(rest[..length], out var files) || !IsVisible(rest[(length + 1)..]))
                continue;
            if (rest[(length + 1)..].Contains('/'))
                tooDeep ??= name;
            else
                files.Add(name);
        }
        var where = folder.Length == 0 ? store.Path : store.Describe(folder);
        if (tooDeep is not null)
            throw TooDeep(where, tooDeep, folders.Keys);
        var (filled, empty) = (folders.Where(found => found.Value.Count > 0).ToList(), folders.Where(found => found.Value.Count == 0));
        var classes = filled.GroupBy(found => Label(where, found.Key), found => found, StringComparer.Ordinal).ToList();
        if (classes.Count < 2)
            throw ImageFileError.Create(where, "at least two folders with images, one for each class",
                ImageFileError.List(filled.Select(found => found.Key)));
        return new(
            [.. InOrder(classes).SelectMany(label => label.SelectMany(found => found.Value).Order(StringComparer.Ordinal)
                .Select(name => new ImageFile(label.Key, name)))],
            [.. Describe(where, classes, [.. empty.Select(found => found.Key)])]);
    }

    /// <summary>The images of a part; all of them without one.</summary>
    public IReadOnlyList<ImageFile> FilesOf(ImageShard? shard)
    {
        if (shard is null)
            return Files;
        var (first, end) = shard.RangeOf(Files.Count);
        return [.. Files.Skip((int)first).Take((int)(end - first))];
    }

    /// <summary>
    /// The class that a folder stands for: its name in Unicode's composed form (NFC). macOS decomposes names, so that the same word can be
    /// written in two ways, which look alike and are one class.
    /// </summary>
    private static string Label(string where, string folder)
    {
        var isUnicode = !folder.Contains('\uFFFD');
        for (var i = 0; i < folder.Length && isUnicode; i++)
            if (char.IsSurrogate(folder[i]))
                isUnicode = i + 1 < folder.Length && char.IsSurrogatePair(folder[i], folder[++i]);
        return isUnicode
            ? folder.Normalize()
            : throw ImageFileError.Create(where, "folders whose names are Unicode", $"'{folder}', which is in another encoding",
                "Rename it, or convert the names to UTF-8.");
    }

    private static IEnumerable<IGrouping<string, T>> InOrder<T>(IReadOnlyList<IGrouping<string, T>> classes)
    {
        if (!classes.All(label => label.Key.All(char.IsAsciiDigit)))
            return classes.OrderBy(label => label.Key, StringComparer.Ordinal);
        return classes.OrderBy(label => label.Key.TrimStart('0').Length)
            .ThenBy(label => label.Key.TrimStart('0'), StringComparer.Ordinal).ThenBy(label => label.Key, StringComparer.Ordinal);
    }

    /// <summary>
    /// Whether .NET composes letters here: not under InvariantGlobalization, where it leaves every text as it is and says nothing.
    /// </summary>
    private static bool ComposesLetters => "e\u0301".Normalize().Length == 1;

    private static bool HasCombiningMark(string name) => name.EnumerateRunes()
        .Any(rune => Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark);

    private static IEnumerable<string> Describe<T>(string where, IEnumerable<IGrouping<string, T>> classes, IReadOnlyList<string> empty)
    {
        if (empty.Count > 0)
            yield return $"{where}: {(empty.Count == 1 ? "a folder has" : "folders have")} no images and {(empty.Count == 1 ? "is no class"
                : "are no classes")}: {ImageFileError.List(empty)}.";
        foreach (var label in classes.Where(label => label.Count() > 1))
            yield return $"{where}: {label.Count()} folders are called '{label.Key}', written with different characters that mean the "
                + "same; they are one class.";
        var marked = ComposesLetters ? [] : classes.Select(label => label.Key).Where(HasCombiningMark).ToList();
        if (marked.Count > 0)
            yield return $"{where}: names hold combining marks, as macOS writes them, and this process cannot compose letters: "
                + $"{ImageFileError.List(marked)}. The same names from elsewhere would be other classes. Run it with ICU, without "
                + "InvariantGlobalization (DOTNET_SYSTEM_GLOBALIZATION_INVARIANT), or rename the folders.";
    }

    private static InvalidDataException TooDeep(string where, string file, IEnumerable<string> folders) =>
        ImageFileError.Create(
            where, "images directly in class folders", $"'{file}', which lies deeper",
            $"Set {nameof(ImageFolderOptions)}.{nameof(ImageFolderOptions.Subfolder)} to the folder that holds the class folders; the "
                + $"folders here are {ImageFileError.List(folders)}.");

    private static bool IsClass(string folder) => !ToolFolders.Contains(folder);

    /// <summary>Whether a file in a class folder is neither hidden nor left behind by a file manager, nor in such a folder.</summary>
    /// <param name="name">Its name below the class folder.</param>
    private static bool IsVisible(ReadOnlySpan<char> name)
    {
        for (var slash = name.IndexOf('/'); slash >= 0; slash = name.IndexOf('/'))
        {
            if (name.StartsWith('.') || ToolFolders.GetAlternateLookup<ReadOnlySpan<char>>().Contains(name[..slash]))
                return false;
            name = name[(slash + 1)..];
        }
        return !name.StartsWith('.') && !ToolFiles.GetAlternateLookup<ReadOnlySpan<char>>().Contains(name);
    }
}
