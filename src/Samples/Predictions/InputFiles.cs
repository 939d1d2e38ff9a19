using System.IO.Enumeration;
using Samples.Pictures;

namespace Samples.Predictions;

/// <summary>The files that a command line means: files, folders with all that is in them, and wildcards.</summary>
internal static class InputFiles
{
    /// <summary>Finds them.</summary>
    /// <param name="paths">
    /// Files; folders, of which all pictures are taken, in folders below too; patterns with <c>*</c> and <c>?</c>, and <c>**</c> for any
    /// folders, where no file has that name.
    /// </param>
    /// <returns>
    /// Full paths in the order of the paths, those of one path in alphabetical order. What leads nowhere is returned as it is.
    /// </returns>
    public static IEnumerable<string> Find(IEnumerable<string> paths) => paths.SelectMany(Find);

    private static IEnumerable<string> Find(string path)
    {
        if (Directory.Exists(path))
            return OrItself(path, InFolder(path));
        return path.AsSpan().IndexOfAny('*', '?') >= 0 && !File.Exists(path)
            ? OrItself(path, Matching(path).SelectMany(match => Directory.Exists(match) ? InFolder(match) : [match]))
            : [Path.GetFullPath(path)];
    }

    private static IEnumerable<string> OrItself(string path, IEnumerable<string> found)
        => found.Select(Path.GetFullPath).Order(StringComparer.Ordinal).Distinct().DefaultIfEmpty(Path.GetFullPath(path));

    // By their names, so that notes and labels beside the pictures are not complained about.
    private static IEnumerable<string> InFolder(string folder)
    {
        var source = PictureSource.Of(folder);
        return source.FileNames().Where(name => PictureFolder.MayBePicture(name)).Select(source.Describe);
    }

    private static IEnumerable<string> Matching(string pattern)
    {
        var parts = pattern.Split([Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar]);
        var isRooted = Path.IsPathRooted(pattern);
        IEnumerable<string> found = [isRooted ? Path.GetPathRoot(pattern)! : "."];
        foreach (var (index, part) in parts.Index().Skip(isRooted ? 1 : 0).Where(one => one.Item.Length > 0))
        {
            var isLast = index == parts.Length - 1;
            found = part switch
            {
                "**" => found.SelectMany(folder => Below(folder).Prepend(folder)),
                _ when part.AsSpan().IndexOfAny('*', '?') < 0 => found.Select(folder => Path.Combine(folder, part)),
                _ => found.Where(Directory.Exists).SelectMany(folder => isLast
                    ? Directory.EnumerateFileSystemEntries(folder).Where(entry => Matches(part, entry))
                    : Directory.EnumerateDirectories(folder).Where(entry => Matches(part, entry))),
            };
        }
        return found.Where(Path.Exists);
    }

    private static IEnumerable<string> Below(string folder)
        => Directory.EnumerateDirectories(folder, "*", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 8 });

    private static bool Matches(string pattern, string path)
        => FileSystemName.MatchesSimpleExpression(pattern, Path.GetFileName(path.AsSpan()), ignoreCase: OperatingSystem.IsWindows());
}
