namespace Microsoft.ML.ResNet.Tests.Support;

/// <summary>Feeds bytes to a reader of weight files as an attacker would.</summary>
internal static class Hostile
{
    /// <summary>
    /// Runs a reader; the only exception it may throw is <see cref="WeightsFormatException"/>, and it must not take much memory.
    /// </summary>
    /// <param name="bytes">The file.</param>
    /// <param name="read">The reader under test.</param>
    /// <param name="memoryLimit">Allocated bytes, alive or not.</param>
    /// <param name="seekable">Whether the stream knows its length.</param>
    /// <returns>Whether the reader took the file.</returns>
    public static bool TryRead(byte[] bytes, Action<Stream> read, long memoryLimit, bool seekable = true)
    {
        using Stream stream = seekable ? new MemoryStream(bytes) : new ForwardOnlyStream(bytes);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var accepted = true;
        try
        {
            read(stream);
        }
        catch (WeightsFormatException)
        {
            accepted = false;
        }
        Assert.IsLessThan(memoryLimit, GC.GetAllocatedBytesForCurrentThread() - before);
        return accepted;
    }
}

/// <summary>A stream such as a network's: it cannot seek, does not know its length and gives a few bytes at a time.</summary>
internal sealed class ForwardOnlyStream(byte[] bytes) : MemoryStream(bytes)
{
    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(buffer.Length, 1000)]);

    public override int Read(byte[] buffer, int offset, int count) => base.Read(buffer, offset, Math.Min(count, 1000));
}
