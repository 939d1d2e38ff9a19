namespace Samples.Pictures;

/// <summary>What of a source is there to learn from, and what to validate on, found by the names of its folders.</summary>
/// <param name="Train">The pictures to learn from.</param>
/// <param name="Validation">Those to validate on, where the source has a folder of them.</param>
/// <param name="TrainFolder">The folder of <paramref name="Train"/>, from the source on; empty for the source itself.</param>
/// <param name="ValidationFolder">The folder of <paramref name="Validation"/>.</param>
/// <param name="PassedOver">The folders among those of classes that hold no pictures, and are no classes.</param>
internal sealed record PictureParts(PictureSet Train, PictureSet? Validation, string TrainFolder, string? ValidationFolder,
    IReadOnlyList<string> PassedOver)
{
    private static readonly string[] TrainNames = ["train", "training"];
    private static readonly string[] ValidationNames = ["val", "valid", "validation", "test", "testing"];

    /// <summary>
    /// Finds them: folders <c>train</c> and <c>val</c>, <c>valid</c>, <c>validation</c> or <c>test</c> with class folders in them, or else
    /// class folders; below a single folder, where the source holds nothing else.
    /// </summary>
    /// <param name="source">Where to look.</param>
    /// <param name="folder">The folder in it that holds the class folders, if somebody has said so.</param>
    /// <exception cref="InvalidDataException">There is nothing to learn from; the message says what was found, and what to do.</exception>
    public static PictureParts Of(PictureSource source, string? folder)
    {
        var root = PictureFolder.Of(source.FileNames());
        if (root.FilesBelow == 0)
            throw Problem(source.Path, "a folder of pictures for each class", "no files", "");
        if (folder is not null)
        {
            var named = root.Find(folder) ?? throw Problem(source.Path, $"a folder '{folder}' with class folders in it",
                $"only {Names.List(root.Folders.Select(other => other.Name))}", "Write one of them behind the #.");
            return new(Classes(source, named), null, named.Path, null, PassedOverIn(named));
        }
        root = root.Top;
        if (ClassFolders(root).Count == 2 && root.FindAny(TrainNames) is { } flat && HoldsPictures(flat)
            && root.FindAny(ValidationNames) is { } other && HoldsPictures(other))
            throw Problem(source.Path, "folders of classes in 'train'", $"pictures directly in '{flat.Name}' and '{other.Name}'",
                "Put the pictures of each class into a folder that has the class's name.");
        if (root.FindAny(TrainNames) is not { } train || !HoldsClasses(train))
            return new(Classes(source, root), null, root.Path, null, PassedOverIn(root));
        var validation = root.FindAny(ValidationNames.Where(name => root.FindAny(name) is { } part && HoldsClasses(part)));
        return new(Classes(source, train), validation is null ? null : Classes(source, validation, leastClasses: 1), train.Path,
            validation?.Path, [.. PassedOverIn(train), .. validation is null ? [] : PassedOverIn(validation)]);
    }

    // Pictures are known by their names, unless no name says so: 'runs', which training leaves, is no class of pictures.
    private static List<PictureFolder> ClassFolders(PictureFolder folder)
        => folder.Folders.Where(below => below.HasPictures).ToList() is { Count: > 0 } pictured
            ? pictured
            : [.. folder.Folders.Where(below => !below.IsRuns)];

    private static List<string> PassedOverIn(PictureFolder folder)
        => [.. folder.Folders.Except(ClassFolders(folder)).Select(below => below.Path)];

    private static bool HoldsClasses(PictureFolder folder) => folder.Folders.Count > 0 && !folder.Pictures.Any();

    private static bool HoldsPictures(PictureFolder folder) => folder.Folders.Count == 0 && folder.Pictures.Any();

    /// <summary>The pictures in the class folders of a folder.</summary>
    private static PictureSet Classes(PictureSource source, PictureFolder folder, int leastClasses = 2)
    {
        var where = folder.Path.Length == 0 ? source.Path : source.Describe(folder.Path);
        var folders = ClassFolders(folder);
        var (loose, deep) =
            (folder.Pictures.FirstOrDefault(), folders.FirstOrDefault(below => below.Folders.Any(deeper => deeper.HasPictures)));
        if (folders.Count == 0)
            throw Problem(where, "a folder of pictures for each class",
                loose is null ? "no pictures" : $"{Names.Count(folder.Pictures.Count(), "picture")} and no folders",
                loose is null ? "" : "Put the pictures of each class into a folder that has the class's name.");
        if (loose is not null)
            throw Problem(where, "pictures in class folders only", $"pictures at two depths: '{loose}' lies beside the class folders "
                + Names.List(folders.Select(below => below.Name)), "Move it into the folder of its class, or out of there.");
        if (deep is not null)
            throw Problem(where, "pictures directly in class folders",
                $"{(folders.Any(below => below.Pictures.Any()) ? "pictures at two depths" : "folders in them")}: "
                + $"'{deep.Folders.First(deeper => deeper.HasPictures).Path}' lies in '{deep.Name}'",
                "Move its pictures up, or write #FOLDER behind the path, with the folder that holds the class folders.");
        // macOS decomposes letters: the same name in another spelling is the same class
        var all = folders.SelectMany(label => label.Files.Select(file => new Picture(label.Name.Normalize(), file))).ToList();
        var set = new PictureSet(source, [.. InOrder(all)]);
        if (set.Classes.Count < leastClasses)
            throw Problem(where, "at least two folders with pictures, one for each class", $"one class: {Names.List(set.Classes)}",
                "Add a folder of pictures that are something else.");
        return set;
    }

    private static IOrderedEnumerable<Picture> InOrder(List<Picture> all)
    {
        var byLabel = all.TrueForAll(picture => picture.Label.All(char.IsAsciiDigit))
            ? all.OrderBy(picture => picture.Label.TrimStart('0').Length).ThenBy(picture => picture.Label.TrimStart('0'),
                StringComparer.Ordinal)
            : all.OrderBy(picture => picture.Label, StringComparer.Ordinal);
        return byLabel.ThenBy(picture => picture.Label, StringComparer.Ordinal).ThenBy(picture => picture.Name, StringComparer.Ordinal);
    }

    private static InvalidDataException Problem(string where, string expected, string found, string advice)
        => new($"{where}: expected {expected}, found {found}. {advice}".TrimEnd());
}
