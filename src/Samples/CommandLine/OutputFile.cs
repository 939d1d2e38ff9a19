using Samples.Runs;

namespace Samples.CommandLine;

/// <summary>Files that a verb writes when its work is done.</summary>
internal static class OutputFile
{
    /// <summary>
    /// Finds out before the work, not after it, whether a file can be written; makes its folder. What the file held stays: the library
    /// writes beside a file and puts the new one into its place when it is whole.
    /// </summary>
    /// <returns>The full path.</returns>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The file or its folder must not be written.</exception>
    public static string Writable(string path)
    {
        path = Path.GetFullPath(path);
        if (Directory.Exists(path) || Path.EndsInDirectorySeparator(path))
            throw new IOException($"'{path}' is a folder; expected the name of a file to write.");
        var folder = Path.GetDirectoryName(path)!;
        if (File.Exists(folder))
            throw new IOException($"'{folder}' is a file; expected a folder for '{Path.GetFileName(path)}'.");
        Directory.CreateDirectory(folder);
        if (File.Exists(path))
            File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete).Dispose();
        var beside = Path.Combine(folder, $".{Guid.NewGuid():n}.unfinished");
        File.OpenHandle(beside, FileMode.CreateNew, FileAccess.Write, FileShare.None, FileOptions.DeleteOnClose).Dispose();
        return path;
    }

    /// <summary>Writes a text; an older file is replaced when the new one is whole.</summary>
    /// <param name="path">The file, as <see cref="Writable"/> has returned it; <see langword="null"/> for none.</param>
    /// <param name="otherwise">Where to write without a file.</param>
    /// <param name="write">Writes.</param>
    public static void Write(string? path, TextWriter otherwise, Action<TextWriter> write)
    {
        if (path is null)
            write(otherwise);
        else
            WriteBytes(path, stream =>
            {
                using var writer = new StreamWriter(stream, leaveOpen: true);
                write(writer);
            });
    }

    /// <summary>Writes bytes; an older file is replaced when the new one is whole.</summary>
    /// <param name="path">The file, as <see cref="Writable"/> has returned it.</param>
    /// <param name="write">Writes.</param>
    /// <exception cref="IOException">
    /// The disk fails, or the older file cannot be replaced; the message says where the new one is.
    /// </exception>
    public static void WriteBytes(string path, Action<Stream> write)
    {
        var beside = Path.Combine(Path.GetDirectoryName(path)!, $".{Guid.NewGuid():n}.unfinished");
        try
        {
            using var stream = new FileStream(beside, FileMode.CreateNew, FileAccess.Write);
            write(stream);
        }
        catch
        {
            File.Delete(beside);
            throw;
        }
        try
        {
            File.Move(beside, path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) // on Windows, where another program has the file open
        {
            throw new IOException($"'{path}' was not replaced. {e.Message} What should stand in it is in '{beside}'.", e);
        }
    }

    /// <summary>Whether a path leads into a folder, or deeper.</summary>
    public static bool IsBelow(string path, string folder)
        => Path.GetRelativePath(folder, path) is var way && way != "." && way != ".." && !Path.IsPathRooted(way)
            && !way.StartsWith($"..{Path.DirectorySeparatorChar}", StringComparison.Ordinal);

    /// <summary>Refuses to write among images, where what is written would be one more to learn from.</summary>
    /// <param name="option">The option that names the file or folder.</param>
    /// <param name="path">What it names.</param>
    /// <param name="data">The images.</param>
    /// <exception cref="IOException">The path leads into the folder of the images.</exception>
    public static void CheckOutside(string option, string path, DataPath data)
    {
        path = Path.GetFullPath(path);
        if (data.IsPictures && IsBelow(path, data.Path) && !IsBelow(path, Path.Combine(data.Path, RunFolder.Root)))
            throw new IOException($"{option} is '{path}', which lies among the images, in '{data.Path}'; expected a place elsewhere.");
    }

    /// <summary>Refuses to write two things, or what is still to be read, to one file.</summary>
    /// <param name="files">The options and the full paths that they were given.</param>
    /// <exception cref="IOException">Two of the paths are the same.</exception>
    public static void CheckDifferent(params IEnumerable<(string Option, string? Path)> files)
    {
        foreach (var group in files.Where(file => file.Path is not null).GroupBy(file => Path.GetFullPath(file.Path!)))
            if (group.Skip(1).Any())
                throw new IOException(
                    $"{string.Join(" and ", group.Select(file => file.Option))} are the same file, '{group.Key}'; expected one for each.");
    }
}
