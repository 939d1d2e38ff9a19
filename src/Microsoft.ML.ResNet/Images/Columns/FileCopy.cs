using System.Buffers;

namespace Microsoft.ML.ResNet.Images.Columns;

/// <summary>
/// A copy of an encoded file in a rented buffer: photos are so large that fresh arrays would pile up until the next full collection.
/// </summary>
internal sealed class FileCopy : IDisposable
{
    private byte[]? _buffer;

    /// <param name="content">What to copy.</param>
    public FileCopy(ReadOnlySpan<byte> content)
    {
        Length = content.Length;
        _buffer = ArrayPool<byte>.Shared.Rent(Length);
        content.CopyTo(_buffer);
    }

    /// <summary>How many bytes there are.</summary>
    public int Length { get; }

    /// <summary>The bytes.</summary>
    public ReadOnlySpan<byte> Content => _buffer.AsSpan(0, Length);

    /// <summary>Gives the buffer back; the content must not be read any more.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _buffer, null) is { } buffer)
            ArrayPool<byte>.Shared.Return(buffer);
    }
}
