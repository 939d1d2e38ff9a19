namespace Microsoft.ML.ResNet.Images.Cifar;

/// <summary>
/// Passes a stream on and counts the zero bytes that it has ended with so far. A tar archive ends with two blocks of zeros; .NET's reader
/// of gzip takes some truncations for the end, so somebody has to look.
/// </summary>
/// <param name="inner">The stream to read; disposed with this one.</param>
internal sealed class ZeroTailStream(Stream inner) : ForwardStream
{
    /// <summary>How many of the bytes read last are zero, without a gap.</summary>
    public long TrailingZeros { get; private set; }

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        var read = inner.Read(buffer);
        var lastOther = buffer[..read].LastIndexOfAnyExcept((byte)0);
        TrailingZeros = lastOther < 0 ? TrailingZeros + read : read - lastOther - 1;
        return read;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            inner.Dispose();
        base.Dispose(disposing);
    }
}
