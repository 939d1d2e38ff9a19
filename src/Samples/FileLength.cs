namespace Samples;

/// <summary>How long files are.</summary>
internal static class FileLength
{
    /// <summary>
    /// The length of a file in bytes, or of the file behind a link, which has a length of its own. Pipes and devices have none (0): who
    /// reads one might wait for ever.
    /// </summary>
    /// <param name="path">The path.</param>
    /// <exception cref="IOException">It leads nowhere.</exception>
    public static long Of(string path) => (File.ResolveLinkTarget(path, returnFinalTarget: true) as FileInfo ?? new FileInfo(path)).Length;
}
