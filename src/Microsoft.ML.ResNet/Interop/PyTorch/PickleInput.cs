using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Interop.PyTorch;

/// <summary>The bytes of one pickle, read from front to back; knows where it is, for messages.</summary>
/// <param name="stream">Seekable; read from its position on; the pickle ends itself, and what follows stays unread.</param>
/// <param name="source">What the pickle is, for messages, such as <c>data.pkl</c>.</param>
internal sealed class PickleInput(Stream stream, string source)
{
    private const int MaximumTextLength = 1 << 20;
    public const int MaximumLineLength = 256; // of the name of a module or a global
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private long _position;

    /// <summary>The exception for a problem in the bytes around here.</summary>
    public WeightsFormatException Error(string problem) => PyTorchFile.Error($"byte {_position} of {source}", problem);

    /// <summary>The next byte.</summary>
    public byte ReadByte()
    {
        var value = stream.ReadByte();
        if (value < 0)
            throw Error("expected more of the pickle, found the end of the file");
        _position++;
        return (byte)value;
    }

    /// <summary>A little-endian <c>uint16</c>.</summary>
    public ushort ReadUInt16() => BinaryPrimitives.ReadUInt16LittleEndian(ReadBytes(sizeof(ushort)));

    /// <summary>A little-endian <c>int32</c>.</summary>
    public int ReadInt32() => BinaryPrimitives.ReadInt32LittleEndian(ReadBytes(sizeof(int)));

    /// <summary>A little-endian <c>uint32</c>.</summary>
    public uint ReadUInt32() => BinaryPrimitives.ReadUInt32LittleEndian(ReadBytes(sizeof(uint)));

    /// <summary>A big-endian <c>float64</c>.</summary>
    public double ReadDouble() => BinaryPrimitives.ReadDoubleBigEndian(ReadBytes(sizeof(double)));

    /// <summary>A little-endian <c>uint64</c>; one that no file can reach becomes <see cref="long.MaxValue"/>.</summary>
    public long ReadLength() => (long)Math.Min(BinaryPrimitives.ReadUInt64LittleEndian(ReadBytes(sizeof(ulong))), long.MaxValue);

    /// <summary>Passes over some bytes without taking memory for them.</summary>
    public void Skip(long count)
    {
        var available = Math.Max(0, stream.Length - stream.Position);
        if (count < 0 || count > available)
            throw Error($"expected {count} more bytes of the pickle, found {available}");
        stream.Seek(count, SeekOrigin.Current);
        _position += count;
    }

    /// <summary>An integer of up to 255 bytes: a <see cref="long"/> when it fits, else a <see cref="BigInteger"/>.</summary>
    public object ReadLong()
    {
        var value = new BigInteger(ReadBytes(ReadByte()));
        return value >= long.MinValue && value <= long.MaxValue ? (long)value : value;
    }

    /// <summary>Text of a given length in bytes; what is longer than 1 MiB is passed over, and <see langword="null"/>.</summary>
    public string? ReadText(long length, bool latin1 = false)
    {
        if (length is < 0 or > MaximumTextLength)
        {
            Skip(length);
            return null;
        }
        return Decode(ReadBytes((int)length), latin1 ? Encoding.Latin1 : StrictUtf8);
    }

    /// <summary>Text up to a line feed, at most 256 bytes.</summary>
    public string ReadLine()
    {
        Span<byte> line = stackalloc byte[MaximumLineLength];
        var length = 0;
        for (var next = ReadByte(); next != '\n'; next = ReadByte())
        {
            if (length == MaximumLineLength)
                throw Error($"expected the name of a global in at most {MaximumLineLength} bytes, found more");
            line[length++] = next;
        }
        return Decode(line[..length], StrictUtf8);
    }

    private string Decode(ReadOnlySpan<byte> bytes, Encoding encoding)
    {
        try
        {
            return encoding.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            throw Error("expected text in UTF-8, found other bytes");
        }
    }

    private byte[] ReadBytes(int count)
    {
        if (!UntrustedBytes.TryRead(stream, count, out var bytes, out var available))
            throw Error($"expected {count} more bytes of the pickle, found {available}");
        _position += count;
        return bytes;
    }
}
