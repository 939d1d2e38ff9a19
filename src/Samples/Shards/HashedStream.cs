using System.Security.Cryptography;
using System.Text;

namespace Samples.Shards;

/// <summary>Writes to a file, and knows the checksum of what was written.</summary>
/// <param name="file">The file; disposed by its owner.</param>
/// <param name="path">What the file will be called, for messages.</param>
internal sealed class HashedStream(FileStream file, string path) : Stream
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private long _length;

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => _length;

    /// <summary>How many bytes were written.</summary>
    public override long Position
    {
        get => _length;
        set => throw new NotSupportedException();
    }

    /// <summary>Ends with the SHA-256 of what was written, and of a text behind it.</summary>
    public string Checksum(string more)
    {
        _hash.AppendData(Encoding.ASCII.GetBytes(more));
        return Convert.ToHexStringLower(_hash.GetHashAndReset());
    }

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        try
        {
            file.Write(buffer);
        }
        catch (Exception exception) when (IsOfTheDisk(exception))
        {
            throw NotWritten(exception);
        }
        _hash.AppendData(buffer);
        _length += buffer.Length;
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <summary>Waits until everything is on the disk.</summary>
    public void FlushToDisk()
    {
        try
        {
            file.Flush(flushToDisk: true);
        }
        catch (Exception exception) when (IsOfTheDisk(exception))
        {
            throw NotWritten(exception);
        }
    }

    /// <summary>Nothing: <see cref="FlushToDisk"/> does.</summary>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _hash.Dispose();
        base.Dispose(disposing);
    }

    // .NET calls it an argument out of range where a file grows beyond what its file system takes.
    private static bool IsOfTheDisk(Exception exception) => exception is IOException or ArgumentOutOfRangeException;

    private IOException NotWritten(Exception exception) => new(
        $"'{path}' was not written, and the shard is not finished: {exception.Message.TrimEnd('.')}. Make room and run it again.",
        exception)
    {
        HResult = exception.HResult,
    };
}
