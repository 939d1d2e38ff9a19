namespace Microsoft.ML.ResNet.AspNetCore;

/// <summary>Reads a stream into memory, without trusting it to end.</summary>
internal static class LimitedReading
{
    private const int FirstRoom = 64 << 10;

    /// <summary>Reads to the end, or to one byte beyond the limit, by which whoever gets the content knows that there is more.</summary>
    /// <param name="stream">The stream; it stays open.</param>
    /// <param name="limit">Bytes.</param>
    /// <param name="cancellation">Ends it.</param>
    public static async Task<ReadOnlyMemory<byte>> ReadAsync(Stream stream, int limit, CancellationToken cancellation)
    {
        var content = new byte[Math.Min(FirstRoom, limit + 1)];
        var length = 0;
        while (await stream.ReadAsync(content.AsMemory(length), cancellation).ConfigureAwait(false) is > 0 and var more)
        {
            length += more;
            if (length > limit)
                break;
            if (length == content.Length)
                Array.Resize(ref content, (int)Math.Min(2L * length, limit + 1L));
        }
        return content.AsMemory(0, length);
    }
}
