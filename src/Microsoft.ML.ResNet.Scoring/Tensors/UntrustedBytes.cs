using Microsoft.ML.ResNet.Foundation;

namespace Microsoft.ML.ResNet.Tensors;

/// <summary>
/// Reads a number of bytes that a file promises. The promise is not believed: memory grows with what has arrived, so that a few bytes
/// that announce a terabyte end in an answer of "too short", not in an allocation.
/// </summary>
internal static class UntrustedBytes
{
    /// <summary>The most bytes one array holds, and so the largest tensor that can be read: 2,147,483,591.</summary>
    public static int MaximumCount => Array.MaxLength;

    private const int FirstChunk = 1 << 20;
    private const int Piece = 2 << 20; // what is told of at once

    /// <summary>Reads exactly <paramref name="count"/> bytes, or tells how many there were.</summary>
    /// <param name="stream">Read from its position; need not be seekable.</param>
    /// <param name="count">0 to <see cref="MaximumCount"/>.</param>
    /// <param name="bytes">The bytes; empty when there were too few.</param>
    /// <param name="available">How many bytes there were, at most <paramref name="count"/>.</param>
    /// <param name="believed">How many are believed at once; the default is 1 MiB.</param>
    /// <param name="arrived">Told of the bytes, in order, piece by piece as they come; they do not change any more.</param>
    /// <returns>Whether there were enough.</returns>
    public static bool TryRead(Stream stream, long count, out byte[] bytes, out long available, long believed = FirstChunk,
        Action<ReadOnlyMemory<byte>>? arrived = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, MaximumCount);
        bytes = [];
        available = 0;
        if (stream.CanSeek && (available = Math.Max(0, stream.Length - stream.Position)) < count)
            return false;

        var buffer = NewArray((int)(stream.CanSeek ? count : Math.Min(count, Math.Max(believed, FirstChunk))));
        for (available = 0; available < count;)
        {
            if (available == buffer.Length)
                Array.Resize(ref buffer, (int)Math.Min(count, 2L * buffer.Length));
            var piece = buffer.AsMemory((int)available, (int)Math.Min(arrived is null ? count : Piece, buffer.Length - available));
            var read = stream.ReadAtLeast(piece.Span, piece.Length, throwOnEndOfStream: false);
            available += read;
            if (read < piece.Length)
                return false;
            arrived?.Invoke(piece);
        }
        bytes = buffer;
        return true;
    }

    private static unsafe byte[] NewArray(int length)
    {
        var array = GC.AllocateUninitializedArray<byte>(length);
        fixed (byte* memory = array)
            LargePages.Advise(memory, (nuint)length);
        return array;
    }
}
