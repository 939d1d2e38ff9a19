using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;

namespace Microsoft.ML.ResNet.Interop.PyTorch;

/// <summary>
/// Writes a zip archive as PyTorch does: nothing compressed, each file's bytes at a multiple of 64 (so that they can be mapped into
/// memory), no time stamps (so that the same weights give the same file). .NET's own writer cannot align. Up to 65,535 files and 4 GiB.
/// </summary>
/// <param name="stream">Written from its position, never read or moved; stays open.</param>
internal sealed class StoredZipWriter(Stream stream)
{
    private const int Alignment = 64;
    private const int LocalHeaderLength = 30;
    private const int CentralHeaderLength = 46;
    private const int EndLength = 22;
    private const int PaddingHeaderLength = 4;
    private const ushort PaddingId = 0x4246; // "FB", the extra field that PyTorch pads with
    private const ushort FirstDay = 0x0021; // 1 January 1980, the earliest date that the format knows
    private const ushort FormatVersion = 10;

    private readonly List<Entry> _entries = [];
    private long _position;

    /// <summary>Adds a file.</summary>
    /// <param name="name">Its path in the archive, ASCII, with forward slashes.</param>
    /// <param name="content">Its bytes.</param>
    public void Add(string name, ReadOnlySpan<byte> content)
    {
        var entry = new Entry(Encoding.ASCII.GetBytes(name), Crc32.HashToUInt32(content), checked((uint)content.Length),
            checked((uint)_position));
        var padding = Alignment - 1
            - (int)((_position + LocalHeaderLength + name.Length + PaddingHeaderLength + Alignment - 1) % Alignment);
        WriteLocalHeader(entry, (ushort)padding);
        Write(content);
        _entries.Add(entry);
    }

    /// <summary>Writes the directory at the end; the archive is complete.</summary>
    public void Finish()
    {
        var start = checked((uint)_position);
        foreach (var entry in _entries)
            WriteCentralHeader(entry);
        var length = checked((uint)_position - start);

        Span<byte> end = stackalloc byte[EndLength];
        end.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(end, 0x06054B50);
        BinaryPrimitives.WriteUInt16LittleEndian(end[8..], checked((ushort)_entries.Count)); // on this disk
        BinaryPrimitives.WriteUInt16LittleEndian(end[10..], (ushort)_entries.Count); // altogether
        BinaryPrimitives.WriteUInt32LittleEndian(end[12..], length);
        BinaryPrimitives.WriteUInt32LittleEndian(end[16..], start);
        Write(end);
    }

    private void WriteLocalHeader(Entry entry, ushort padding)
    {
        Span<byte> header = stackalloc byte[LocalHeaderLength];
        BinaryPrimitives.WriteUInt32LittleEndian(header, 0x04034B50);
        WriteFacts(header[4..], entry, (ushort)(PaddingHeaderLength + padding));
        Write(header);
        Write(entry.Name);

        Span<byte> extra = stackalloc byte[PaddingHeaderLength + padding];
        extra.Fill((byte)'Z');
        BinaryPrimitives.WriteUInt16LittleEndian(extra, PaddingId);
        BinaryPrimitives.WriteUInt16LittleEndian(extra[2..], padding);
        Write(extra);
    }

    private void WriteCentralHeader(Entry entry)
    {
        Span<byte> header = stackalloc byte[CentralHeaderLength];
        header.Clear(); // no comment, first disk, no attributes
        BinaryPrimitives.WriteUInt32LittleEndian(header, 0x02014B50);
        BinaryPrimitives.WriteUInt16LittleEndian(header[4..], FormatVersion); // of the writer
        WriteFacts(header[6..], entry, extraLength: 0);
        BinaryPrimitives.WriteUInt32LittleEndian(header[42..], entry.Position);
        Write(header);
        Write(entry.Name);
    }

    /// <summary>The 26 bytes that both headers share.</summary>
    private static void WriteFacts(Span<byte> target, Entry entry, ushort extraLength)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(target, FormatVersion); // needed to read
        BinaryPrimitives.WriteUInt16LittleEndian(target[2..], 0); // flags
        BinaryPrimitives.WriteUInt16LittleEndian(target[4..], 0); // stored
        BinaryPrimitives.WriteUInt16LittleEndian(target[6..], 0); // time
        BinaryPrimitives.WriteUInt16LittleEndian(target[8..], FirstDay);
        BinaryPrimitives.WriteUInt32LittleEndian(target[10..], entry.Checksum);
        BinaryPrimitives.WriteUInt32LittleEndian(target[14..], entry.Length); // compressed
        BinaryPrimitives.WriteUInt32LittleEndian(target[18..], entry.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(target[22..], (ushort)entry.Name.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(target[24..], extraLength);
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        stream.Write(bytes);
        _position += bytes.Length;
    }

    private sealed record Entry(byte[] Name, uint Checksum, uint Length, uint Position);
}
