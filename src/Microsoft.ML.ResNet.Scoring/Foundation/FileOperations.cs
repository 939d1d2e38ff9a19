namespace Microsoft.ML.ResNet.Foundation;

/// <summary>
/// The operations on files and folders by which the library saves, and by which it reads again what it has saved; each can fail. Streams
/// are not buffered: one call is one operation of the system. Tests put others in their place, of which the n-th fails.
/// </summary>
internal class FileOperations
{
    /// <summary>Those in use; tests alone set it.</summary>
    public static FileOperations Current { get; set; } = new();

    /// <summary>Opens a file to read it. On Windows, too, another may be given its name meanwhile.</summary>
    /// <exception cref="IOException">It is a pipe, a socket or a device, on which one might wait for ever; or it is absent.</exception>
    public virtual Stream OpenRead(string path)
        => RegularFile.TryOpen(path, out _) is { } file
            ? new FileStream(file, FileAccess.Read, bufferSize: 0)
            : throw new IOException($"'{path}' is {RegularFile.FoundOther}; expected the path of a file.");

    /// <summary>Makes a file that is not there yet, and opens it to write it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="mode">Who may use it; <see langword="null"/> is what new files get, and on Windows nothing else is possible.</param>
    public virtual Stream Create(string path, UnixFileMode? mode)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            Share = FileShare.None,
            BufferSize = 0,
        };
        if (mode is not null && !OperatingSystem.IsWindows())
            options.UnixCreateMode = mode;
        return new FileStream(path, options);
    }

    /// <summary>Waits until all that was written is on the disk.</summary>
    public virtual void FlushToDisk(Stream file) => ((FileStream)file).Flush(flushToDisk: true);

    /// <summary>Gives a file another name in one step, in the place of a file that has it.</summary>
    public virtual void Rename(string path, string newPath) => File.Move(path, newPath, overwrite: true);

    /// <summary>Deletes a file.</summary>
    public virtual void Delete(string path) => File.Delete(path);

    /// <summary>Makes a folder, and those that it lies in; nothing where it is there.</summary>
    public virtual void CreateFolder(string path) => Directory.CreateDirectory(path);

    /// <summary>The paths of the files in a folder, in no order.</summary>
    public virtual IReadOnlyList<string> List(string folder) => Directory.GetFiles(folder);
}
