using System.Buffers.Binary;

namespace Microsoft.ML.ResNet.Tensors;

/// <summary>
/// Reads and writes safetensors, the format in which weights travel without code: a <c>uint64</c> with the length of the header, the header
/// (see <see cref="SafetensorsHeader"/>), and the tensors' bytes one after the other, without a gap. All numbers are little-endian.
/// </summary>
internal static class Safetensors
{
    /// <summary>How messages call this kind of file.</summary>
    public const string FileKind = "safetensors file";

    /// <summary>
    /// The longest header that is read, in bytes. The reference implementation allows 100,000,000; a network of 1,202 layers needs about
    /// 1,000,000, and a hostile header of millions of empty tensors takes some 25 times its length in memory while it is read.
    /// </summary>
    public const int MaximumHeaderLength = 16_000_000;

    /// <summary>Reads a file to its end. Nothing about it is trusted; see <see cref="WeightsFormatException"/>.</summary>
    /// <param name="stream">
    /// Read from its position to its end; need not be seekable. Where it is a <see cref="MemoryStream"/> that gives its buffer away, the
    /// tensors are parts of that, and nobody must write to it any more.
    /// </param>
    /// <param name="metadata">The texts the writer attached under <c>__metadata__</c>; empty when there are none.</param>
    /// <returns>
    /// The tensors in the order of their bytes in the file. Each is at most <see cref="UntrustedBytes.MaximumCount"/> bytes; together they
    /// may be more.
    /// </returns>
    /// <exception cref="WeightsFormatException">
    /// The bytes are not a safetensors file, or a tensor's element type or size is one that is not read.
    /// </exception>
    public static IReadOnlyList<NamedTensor> Read(Stream stream, out IReadOnlyDictionary<string, string> metadata)
    {
        ArgumentNullException.ThrowIfNull(stream);
        var header = SafetensorsHeader.Parse(ReadHeader(stream), out metadata);
        if (stream.CanSeek)
            CheckDataLength(header, Math.Max(0, stream.Length - stream.Position));

        var tensors = new List<NamedTensor>(header.Count);
        foreach (var entry in header)
        {
            if (!TryRead(stream, entry.Length, out var data, out var available))
                throw Error($"tensor {UntrustedText.Quote(entry.Name)}", $"expected {entry.Length} bytes of data, found {available}");
            tensors.Add(new NamedTensor(entry.Name, entry.Type, entry.Shape, data));
        }
        if (stream.ReadByte() >= 0)
            throw Error("the end of the last tensor", "expected the end of the file, found more bytes");
        return tensors;
    }

    /// <summary>Writes a file: the tensors in the given order, their data starting at a multiple of 8 bytes.</summary>
    /// <param name="stream">Written from its position; stays open.</param>
    /// <param name="tensors">Distinct names; data as long as type and shape say.</param>
    /// <param name="metadata">Texts to attach, such as <c>format</c>; <see langword="null"/> for none.</param>
    /// <exception cref="ArgumentException">
    /// Two tensors have one name, a name is <c>__metadata__</c>, data does not fit its shape, or the header would be longer than
    /// <see cref="MaximumHeaderLength"/>. Nothing was written.
    /// </exception>
    public static void Write(Stream stream, IEnumerable<NamedTensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(tensors);
        var ordered = tensors.ToList();
        var header = SafetensorsHeader.Format(ordered, metadata);
        if (header.Length > MaximumHeaderLength)
            throw new ArgumentException($"Expected names and metadata that make a header of at most {MaximumHeaderLength} bytes; got "
                + $"{header.Length}, which could not be read again.", nameof(tensors));

        Span<byte> length = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)header.Length);
        stream.Write(length);
        stream.Write(header);
        foreach (var tensor in ordered)
            stream.Write(tensor.Data.Span);
    }

    /// <summary>The error for something wrong in a safetensors file.</summary>
    internal static WeightsFormatException Error(string place, string problem, Exception? innerException = null) =>
        new(FileKind, place, problem, innerException);

    // What lies in memory for all to see is not copied: a network of 100 MB would take 200.
    private static bool TryRead(Stream stream, long length, out ReadOnlyMemory<byte> data, out long available)
    {
        if (stream is MemoryStream memory && memory.TryGetBuffer(out var all) && memory.Length - memory.Position >= length)
        {
            data = all.AsMemory((int)memory.Position, (int)length);
            available = length;
            memory.Position += length;
            return true;
        }
        var isWhole = UntrustedBytes.TryRead(stream, length, out var bytes, out available);
        data = bytes;
        return isWhole;
    }

    private static byte[] ReadHeader(Stream stream)
    {
        if (!UntrustedBytes.TryRead(stream, sizeof(ulong), out var prefix, out var available))
            throw Error("byte 0", $"expected the header's length in 8 bytes, found {available}");
        var length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length is < 2 or > MaximumHeaderLength)
            throw Error("byte 0", $"expected a header of 2 to {MaximumHeaderLength} bytes, found the length {length}");
        if (!UntrustedBytes.TryRead(stream, (long)length, out var header, out available))
            throw Error("byte 8", $"expected a header of {length} bytes, found {available}");
        return header;
    }

    private static void CheckDataLength(IReadOnlyList<SafetensorsEntry> header, long available)
    {
        var expected = header.Count == 0 ? 0 : header[^1].End;
        if (expected != available)
            throw Error("the data", $"the header promises {expected} bytes of tensors, found {available}");
    }
}
