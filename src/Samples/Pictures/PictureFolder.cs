using Samples.Runs;

namespace Samples.Pictures;

/// <summary>A folder in a <see cref="PictureSource"/>: its files and the folders in it.</summary>
/// <param name="path">Its name from the source on, with <c>/</c> between folders; empty for the source itself.</param>
internal sealed class PictureFolder(string path)
{
    private static readonly HashSet<string> Extensions = new(StringComparer.OrdinalIgnoreCase)
    {
        ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".ico", ".wbmp", ".heic", ".heif", ".avif", ".tif", ".tiff",
        ".jxl", ".dng",
    };

    private readonly SortedDictionary<string, PictureFolder> _folders = new(StringComparer.Ordinal);
    private readonly List<string> _files = [];

    /// <summary>Its name from the source on; empty for the source itself.</summary>
    public string Path => path;

    /// <summary>Its own name.</summary>
    public string Name => path[(path.LastIndexOf('/') + 1)..];

    /// <summary>The folders directly in it that hold files, or folders with files.</summary>
    public IReadOnlyCollection<PictureFolder> Folders => _folders.Values;

    /// <summary>The names of the files directly in it, from the source on.</summary>
    public IReadOnlyList<string> Files => _files;

    /// <summary>Those of them whose names say that they are pictures.</summary>
    public IEnumerable<string> Pictures => _files.Where(IsPicture);

    /// <summary>
    /// Whether it or a folder below holds a file whose name says that it is a picture, or says nothing; plots of trainings do not count.
    /// </summary>
    public bool HasPictures => !IsRuns && (_files.Any(MayBePicture) || _folders.Values.Any(folder => folder.HasPictures));

    /// <summary>Whether it is the folder in which trainings and studies leave what they have found: it is no class.</summary>
    public bool IsRuns => Name == RunFolder.Root && !Pictures.Any() && _folders.Values.Any(run => run._files.Any(IsRecord));

    /// <summary>Files in it and in all folders below.</summary>
    public int FilesBelow => _files.Count + _folders.Values.Sum(folder => folder.FilesBelow);

    /// <summary>Sorts the files of a source into their folders.</summary>
    public static PictureFolder Of(IEnumerable<string> names)
    {
        var root = new PictureFolder("");
        foreach (var name in names.Order(StringComparer.Ordinal))
        {
            var folder = root;
            for (var slash = name.IndexOf('/'); slash >= 0; slash = name.IndexOf('/', slash + 1))
                folder = folder.Child(name[..slash]);
            folder._files.Add(name);
        }
        return root;
    }

    /// <summary>Whether a file's name says that it is a picture.</summary>
    public static bool IsPicture(string name) => Extensions.Contains(System.IO.Path.GetExtension(name));

    /// <summary>Itself; or the folder in it that holds everything, as in an archive of a folder.</summary>
    public PictureFolder Top
        => !Pictures.Any() && Folders.Where(folder => folder.HasPictures).Take(2).ToList() is [{ Folders.Count: > 0 } only]
            ? only.Top
            : this;

    /// <summary>Whether a file's name says that it is a picture, or has no ending that would say otherwise.</summary>
    public static bool MayBePicture(string name) => IsPicture(name) || !System.IO.Path.HasExtension(name);

    /// <summary>The folder of a path below this one, or below its <see cref="Top"/>; or <see langword="null"/>.</summary>
    public PictureFolder? Find(string below) => FindBelow(below) ?? (Top == this ? null : Top.FindBelow(below));

    private PictureFolder? FindBelow(string below)
        => below.Split('/', '\\').Where(part => part.Length > 0)
            .Aggregate((PictureFolder?)this, (folder, part) => folder?._folders.GetValueOrDefault(part));

    /// <summary>The folder directly in this one that has one of some names, in capitals or small letters; the earliest name wins.</summary>
    public PictureFolder? FindAny(params IEnumerable<string> names)
        => names.Select(name => Folders.FirstOrDefault(folder => folder.Name.Equals(name, StringComparison.OrdinalIgnoreCase)))
            .FirstOrDefault(folder => folder is not null);

    private static bool IsRecord(string name) => System.IO.Path.GetExtension(name) is ".json" or ".csv";

    private PictureFolder Child(string childPath)
    {
        var name = childPath[(childPath.LastIndexOf('/') + 1)..];
        if (!_folders.TryGetValue(name, out var child))
            _folders.Add(name, child = new PictureFolder(childPath));
        return child;
    }
}
