using System.Text;
using System.Text.Unicode;
using Microsoft.ML.ResNet.Foundation;

namespace Microsoft.ML.ResNet.Images.Cifar;

/// <summary>One file of a CIFAR set, on disk or inside an archive.</summary>
/// <param name="Name">Its name without folders.</param>
/// <param name="Location">Its full name for messages; inside an archive, <c>archive.tar.gz:folder/name</c>.</param>
/// <param name="Length">Its length in bytes.</param>
/// <param name="Open">Opens the content; inside an archive only once, and only until the next file is asked for.</param>
internal sealed record CifarFile(string Name, string Location, long Length, Func<Stream> Open)
{
    // The longest official list has 1.1 kB. A names file is read as a whole, so a hostile one must not decide how much memory that takes.
    private const int MaxTextLength = 1 << 16;
    private const int BufferSize = 1 << 17;

    /// <summary>A file on disk.</summary>
    public static CifarFile OnDisk(string path) =>
        new(Path.GetFileName(path), path, RegularFile.LengthOf(path), () => OpenOnDisk(path));

    /// <summary>Opens a file on disk.</summary>
    /// <exception cref="InvalidDataException">It is a pipe, a socket or a device.</exception>
    public static FileStream OpenOnDisk(string path)
        => RegularFile.Is(path)
            ? new FileStream(path, new FileStreamOptions { BufferSize = BufferSize, Options = FileOptions.SequentialScan })
            : throw ImageFileError.Create(path, "a file", RegularFile.FoundOther);

    /// <summary>Reads as many bytes as there are, up to the buffer's length.</summary>
    /// <param name="content">What <see cref="Open"/> returned.</param>
    /// <param name="buffer">Where the bytes go.</param>
    /// <returns>The number of bytes read; fewer than asked for only at the end of the file.</returns>
    /// <exception cref="InvalidDataException">The archive around the file is broken here.</exception>
    public int Read(Stream content, Span<byte> buffer)
    {
        try
        {
            return content.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
        }
        catch (Exception exception) when (ImageFileError.IsBrokenInput(exception))
        {
            throw ImageFileError.Create(Location, $"{Length} bytes of compressed content", $"a broken archive ({exception.Message})",
                inner: exception);
        }
    }

    /// <summary>The file as lines of text, trimmed, without empty ones.</summary>
    /// <exception cref="InvalidDataException">
    /// The file is too long to be a list of names, in another encoding than UTF-8, or broken.
    /// </exception>
    public string[] ReadLines()
    {
        if (Length > MaxTextLength)
            throw ImageFileError.Create(Location, $"a list of class names of at most {MaxTextLength} bytes", $"{Length} bytes");
        var bytes = new byte[Length];
        using var content = Open();
        var read = Read(content, bytes);
        if (!Utf8.IsValid(bytes.AsSpan(0, read)))
            throw ImageFileError.Create(Location, "class names in UTF-8", "another encoding", "Convert the file to UTF-8.");
        return Encoding.UTF8.GetString(bytes, 0, read)
            .Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
    }
}
