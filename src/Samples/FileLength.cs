namespace Samples;

/// <summary>How long files are.</summary>
internal static class FileLength
{
    private const int MostLinks = 40; // as in Linux

    /// <summary>
    /// The length of a file in bytes, or of the file behind a link, which has a length of its own. Pipes and devices have none (0): who
    /// reads one might wait for ever.
    /// </summary>
    /// <param name="path">The path.</param>
    /// <exception cref="IOException">It leads nowhere.</exception>
    public static long Of(string path)
    {
        var file = new FileInfo(path);
        return file.LinkTarget is null ? file.Length : new FileInfo(Behind(file.FullName, MostLinks)).Length;
    }

    // Link by link, folders included: what a relative link means depends on where the link really lies.
    private static string Behind(string path, int left)
    {
        if (Path.GetDirectoryName(path) is not { } folder)
            return path; // a root
        folder = Behind(folder, left);
        path = Path.Combine(folder, Path.GetFileName(path));
        if (new FileInfo(path).LinkTarget is not { } target)
            return path;
        return left > 0 ? Behind(Path.GetFullPath(target, folder), left - 1) : throw new IOException($"'{path}': too many links.");
    }
}
