namespace Samples.CommandLine;

/// <summary>Files that a verb writes when its work is done.</summary>
internal static class OutputFile
{
    /// <summary>Finds out before the work, not after it, whether a file can be written; makes its folder.</summary>
    /// <returns>The full path.</returns>
    /// <exception cref="IOException">It cannot be written.</exception>
    public static string Writable(string path)
    {
        path = Path.GetFullPath(path);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var options = File.Exists(path) ? FileOptions.None : FileOptions.DeleteOnClose;
        using (new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.None, bufferSize: 1, options))
            return path;
    }
}
