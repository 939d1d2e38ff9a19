namespace Microsoft.ML.ResNet.Foundation;

/// <summary>
/// Saves so that nothing is lost: a file is written beside its target under a name of its own, flushed to the disk, and renamed. Whenever
/// that fails, or the process dies, the target is the whole file of before; at the end it is the whole new one. Two savers of one path do
/// not disturb each other: the last to finish wins. Windows does not replace a file that another program has open: it is waited for, and
/// then the new file stays beside it under its name for the time being.
/// </summary>
internal static class SafeFile
{
    /// <summary>The end of the name of a file that is still being written; before it stand a point and 32 hexadecimal digits.</summary>
    public const string Unfinished = ".unfinished";

    private const int BufferSize = 1 << 16;
    private const int LongestNameKept = 50; // of at most 255 bytes, a character being up to 3
    private const int SharingViolation = unchecked((int)0x80070020); // ERROR_SHARING_VIOLATION of Windows
    private const int AccessDenied = unchecked((int)0x80070005);
    private const int MostLinks = 40; // Linux follows no more

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50), Patience = TimeSpan.FromSeconds(2); // for virus scanners

    private static readonly char[] Separators = [Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar];

    /// <summary>Writes a file anew.</summary>
    /// <param name="path">
    /// The file; replaced if it exists, with its permissions kept where the system can. Where it is a link, the file that it names.
    /// </param>
    /// <param name="write">Writes the content to a stream that can seek.</param>
    /// <exception cref="IOException">
    /// The path is a folder, a device or a pipe, its folder is absent (<see cref="DirectoryNotFoundException"/>), or the disk is full or
    /// fails. The file of before is untouched.
    /// </exception>
    /// <exception cref="UnauthorizedAccessException">The file or its folder must not be written. The file is untouched.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        try
        {
            var target = FollowLinks(Path.GetFullPath(path));
            Replace(target, Permissions(target), write);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new UnauthorizedAccessException($"'{path}' was not written; a file of before is as it was. {e.Message} A file is written "
                + "beside its target first, so that nothing is lost: both the file and its folder must allow to be written.", e);
        }
        catch (DirectoryNotFoundException e)
        {
            throw new DirectoryNotFoundException($"'{path}' was not written: its folder does not exist. {e.Message}", e);
        }
        catch (IOException e)
        {
            throw new IOException($"'{path}' was not written; a file of before is as it was. {e.Message}", e) { HResult = e.HResult };
        }
    }

    /// <summary>Opens a file to read it, buffered.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="IOException">It is absent, or a folder, or the disk fails.</exception>
    /// <exception cref="UnauthorizedAccessException">It must not be read.</exception>
    public static Stream OpenRead(string path) => Directory.Exists(path)
        ? throw new IOException($"'{path}' is a folder; expected the path of a file.")
        : new BufferedStream(FileOperations.Current.OpenRead(path), BufferSize);

    private static void Replace(string target, UnixFileMode? permissions, Action<Stream> write)
    {
        var files = FileOperations.Current;
        var name = Path.GetFileName(target);
        var unfinished = Path.Combine(Path.GetDirectoryName(target)!,
            $"{name[..Math.Min(name.Length, LongestNameKept)]}.{Guid.NewGuid():n}{Unfinished}");
        Stream? file = null;
        try
        {
            file = files.Create(unfinished, permissions);
            SetPermissions(unfinished, permissions);
            var buffered = new BufferedStream(file, BufferSize); // disposing it would write once more after a failure
            write(buffered);
            buffered.Flush();
            files.FlushToDisk(file);
            file.Dispose();
            Rename(unfinished, target);
        }
        catch (OpenElsewhereException)
        {
            throw; // the content is whole, and may be hours of work
        }
        catch
        {
            file?.Dispose();
            TryDelete(unfinished);
            throw;
        }
    }

    private static void Rename(string unfinished, string target)
    {
        var waited = TimeSpan.Zero;
        for (var pause = FirstPause; ; pause *= 2)
            try
            {
                FileOperations.Current.Rename(unfinished, target);
                return;
            }
            catch (Exception e) when (IsOpenElsewhere(e, target))
            {
                if (waited > Patience)
                    throw new OpenElsewhereException(
                        $"Another program has it open. The new content is in '{unfinished}': close the program, and give the file its "
                        + "name.", e);
                Thread.Sleep(pause);
                waited += pause;
            }
    }

    // MoveFileEx says "access denied" of an open file, as it does of one that is read-only.
    private static bool IsOpenElsewhere(Exception e, string target)
        => e.HResult == SharingViolation
            || e.HResult == AccessDenied && OperatingSystem.IsWindows() && File.Exists(target)
                && !File.GetAttributes(target).HasFlag(FileAttributes.ReadOnly);

    private static void TryDelete(string path)
    {
        try
        {
            FileOperations.Current.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The disk that would not take the file does not give it back either; what matters is the exception on its way.
        }
    }

    // Opened to be written, so that a file that must not be is refused, as it would be if it were overwritten. On a pipe, reading and
    // writing at once keeps the system from waiting for somebody at the other end.
    private static UnixFileMode? Permissions(string target)
    {
        if (Directory.Exists(target) || Path.EndsInDirectorySeparator(target))
            throw new IOException("It is a folder; expected the path of a file.");
        if (!File.Exists(target) || OperatingSystem.IsWindows()) // where the renaming tells
            return null;
        using var file = File.OpenHandle(target, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        try
        {
            if (RandomAccess.GetLength(file) == 0)
                RandomAccess.SetLength(file, 0); // changes nothing about a file; a device has no length that could be set
        }
        catch (Exception e) when (e is IOException or NotSupportedException)
        {
            throw new IOException($"It is a device or a pipe; expected the path of a file. {e.Message}", e);
        }
        return File.GetUnixFileMode(file);
    }

    // What new files get may be less than what the file had, by the process's mask.
    private static void SetPermissions(string path, UnixFileMode? permissions)
    {
        if (permissions is not { } mode || OperatingSystem.IsWindows())
            return;
        try
        {
            File.SetUnixFileMode(path, mode);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A file system without permissions, such as FAT's.
        }
    }

    private static string FollowLinks(string path)
    {
        var left = MostLinks;
        return new FileInfo(path).LinkTarget is null ? path : Walk(Path.GetPathRoot(path)!, path, ref left);
    }

    // Part by part, as the system walks: a relative link starts where it really lies, and '..' leaves the folder to which the parts before
    // it really lead, neither of which the text tells where folders are links.
    private static string Walk(string folder, string path, ref int left)
    {
        var root = Path.GetPathRoot(path)!;
        var place = root.Length > 0 ? root : folder;
        foreach (var part in path[root.Length..].Split(Separators, StringSplitOptions.RemoveEmptyEntries))
        {
            if (part is "." or "..")
            {
                place = part == "." ? place : Path.GetDirectoryName(place) ?? place;
                continue;
            }
            var next = Path.Combine(place, part);
            if (new FileInfo(next).LinkTarget is not { } link)
                place = next;
            else if (left-- == 0)
                throw new IOException($"More than {MostLinks} links lead from one to the next.");
            else
                place = Walk(place, link, ref left);
        }
        return place;
    }

    private sealed class OpenElsewhereException(string message, Exception inner) : IOException(message, inner)
    {
    }
}
