namespace Microsoft.ML.ResNet.Images.Folders;

/// <summary>A buffer for one encoded image, reused from image to image.</summary>
internal sealed class ImageBytes
{
    private byte[] _buffer = [];
    private int _start;
    private int _length;

    /// <summary>The content.</summary>
    public ReadOnlySpan<byte> Content => _buffer.AsSpan(_start, _length);

    /// <summary>The same for those who keep it for a while.</summary>
    public ReadOnlyMemory<byte> ContentMemory => _buffer.AsMemory(_start, _length);

    /// <summary>The content, for those who need a stream of it.</summary>
    public MemoryStream ContentStream => new(_buffer, _start, _length, writable: false);

    /// <summary>Makes room for new content of a length that the caller has checked.</summary>
    /// <returns>The room; what it holds is undefined.</returns>
    public Span<byte> Resize(int length)
    {
        if (_buffer.Length < length)
            _buffer = GC.AllocateUninitializedArray<byte>(length);
        (_start, _length) = (0, length);
        return _buffer.AsSpan(0, length);
    }

    /// <summary>Keeps only a part of the content.</summary>
    public void Trim(int start, int length) => (_start, _length) = (_start + start, length);
}
