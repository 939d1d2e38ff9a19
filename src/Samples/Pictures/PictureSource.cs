using System.IO.Compression;
using System.IO.Enumeration;

namespace Samples.Pictures;

/// <summary>A folder or a zip archive with pictures in it: the names of its files, and their bytes.</summary>
internal abstract class PictureSource
{
    /// <summary>The longest file that is taken for a picture, in bytes, as the library has it.</summary>
    public const long LongestFile = 256L << 20;

    // What version control, file managers, notebooks and disks leave among folders.
    private static readonly HashSet<string> ToolNames = new(StringComparer.OrdinalIgnoreCase)
    {
        "__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information", "lost+found", ".git", ".hg", ".svn", ".dvc", ".cache", ".idea",
        ".vs", ".vscode", ".ipynb_checkpoints", ".huggingface", ".thumbnails", ".Trash", "Thumbs.db", "desktop.ini",
    };

    /// <summary>The full path of the folder or archive.</summary>
    public required string Path { get; init; }

    /// <summary>The source behind a path.</summary>
    /// <exception cref="FileNotFoundException">There is neither a file nor a folder of that name.</exception>
    public static PictureSource Of(string path)
    {
        path = System.IO.Path.GetFullPath(path);
        if (Directory.Exists(path))
            return new FolderSource { Path = path };
        return File.Exists(path)
            ? new ZipSource { Path = path }
            : throw new FileNotFoundException(
                $"'{path}' does not exist. Expected a folder with one folder of pictures for each class, or a .zip of it.", path);
    }

    /// <summary>
    /// The files that are neither hidden nor left behind by tools, by their names from the source on, with <c>/</c> between folders.
    /// </summary>
    /// <exception cref="InvalidDataException">It is no zip archive, or a damaged one.</exception>
    public IEnumerable<string> FileNames() => AllFileNames().Where(IsVisible);

    /// <summary>Opens it; a reader serves one thread at a time.</summary>
    public abstract Reader Open();

    /// <summary>A file's full name, for messages.</summary>
    public abstract string Describe(string name);

    /// <summary>All files.</summary>
    protected abstract IEnumerable<string> AllFileNames();

    private static bool IsVisible(string name)
    {
        var parts = name.Split('/');
        return !parts[^1].StartsWith('.') && !parts.Any(ToolNames.Contains);
    }

    /// <summary>Reads files of the source.</summary>
    public abstract class Reader : IDisposable
    {
        /// <summary>Opens a file for reading from its start.</summary>
        /// <param name="name">One of <see cref="FileNames"/>.</param>
        /// <param name="length">Its length, in bytes.</param>
        /// <exception cref="IOException">It cannot be read, or is no file that has an end.</exception>
        public abstract Stream OpenFile(string name, out long length);

        /// <summary>Reads a whole file.</summary>
        /// <inheritdoc cref="OpenFile"/>
        public byte[] ReadFile(string name)
        {
            using var file = OpenFile(name, out var length);
            if (length > LongestFile)
                throw new IOException($"expected at most {LongestFile} bytes, found {length}");
            var bytes = new byte[length];
            file.ReadExactly(bytes);
            return bytes;
        }

        /// <inheritdoc/>
        public abstract void Dispose();
    }

    private sealed class FolderSource : PictureSource
    {
        private static readonly EnumerationOptions Everything = new()
        {
            RecurseSubdirectories = true,
            MaxRecursionDepth = 8, // a loop of links has an end too
            IgnoreInaccessible = false, // pictures that cannot be reached are missed, and said to be
            AttributesToSkip = OperatingSystem.IsWindows() ? FileAttributes.Hidden | FileAttributes.System : 0,
        };

        public override Reader Open() => new FolderReader(Path);

        public override string Describe(string name) => System.IO.Path.Combine(Path, name);

        protected override IEnumerable<string> AllFileNames()
            => new FileSystemEnumerable<string>(Path, (ref FileSystemEntry entry) => entry.ToFullPath(), Everything)
            {
                ShouldIncludePredicate = (ref FileSystemEntry entry) => !entry.IsDirectory,
                ShouldRecursePredicate = (ref FileSystemEntry entry) => !ToolNames.Contains(entry.FileName.ToString()),
            }
                .Select(file => System.IO.Path.GetRelativePath(Path, file).Replace(System.IO.Path.DirectorySeparatorChar, '/'));
    }

    private sealed class FolderReader(string folder) : Reader
    {
        public override Stream OpenFile(string name, out long length)
        {
            var path = System.IO.Path.Combine(folder, name);
            length = FileLength.Of(path);
            return length > 0 // a pipe or a device has no length; reading one might never end
                ? new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 1)
                : throw new IOException("expected a picture, found no bytes");
        }

        public override void Dispose()
        {
        }
    }

    private sealed class ZipSource : PictureSource
    {
        public override Reader Open() => new ZipReader(OpenArchive());

        public override string Describe(string name) => $"{Path}:{name}";

        protected override IEnumerable<string> AllFileNames()
        {
            using var archive = OpenArchive();
            return [.. archive.Entries.Select(entry => entry.FullName.Replace('\\', '/')).Where(name => !name.EndsWith('/'))];
        }

        private ZipArchive OpenArchive()
        {
            if (FileLength.Of(Path) == 0) // so it is for a pipe, on which one would wait
                throw new InvalidDataException($"{Path}: expected a folder or a zip archive, found no bytes.");
            try
            {
                return ZipFile.OpenRead(Path);
            }
            catch (InvalidDataException exception)
            {
                throw new InvalidDataException(
                    $"{Path}: expected a folder or a zip archive, found something else or a damaged file. Unpack it and name the folder.",
                    exception);
            }
        }
    }

    private sealed class ZipReader(ZipArchive archive) : Reader
    {
        public override Stream OpenFile(string name, out long length)
        {
            var entry = archive.GetEntry(name) ?? archive.GetEntry(name.Replace('/', '\\'))
                ?? throw new IOException("expected an entry in the archive, found none: the archive has changed");
            length = entry.Length;
            if (length == 0)
                throw new IOException("expected a picture, found no bytes");
            try
            {
                return entry.Open();
            }
            catch (InvalidDataException exception)
            {
                throw new IOException($"expected an intact zip entry, found a damaged one ({exception.Message.TrimEnd('.')})", exception);
            }
        }

        public override void Dispose() => archive.Dispose();
    }
}
