using System.IO.Hashing;

namespace Microsoft.ML.ResNet.Tests.Images;

/// <summary>Zip archives whose names are given byte by byte, as programs of all times have written them.</summary>
internal sealed class RawZip
{
    public const ushort Utf8 = 1 << 11;
    public const byte Dos = 0, Unix = 3;

    private readonly List<byte> _body = [];
    private readonly List<byte> _directory = [];
    private ushort _count;

    /// <summary>Info-ZIP's Unicode path field for a name.</summary>
    public static byte[] UnicodePath(byte[] name, string text, uint crcError = 0)
    {
        var utf8 = System.Text.Encoding.UTF8.GetBytes(text);
        return [0x75, 0x70, .. BitConverter.GetBytes((ushort)(5 + utf8.Length)), 1,
            .. BitConverter.GetBytes(Crc32.HashToUInt32(name) ^ crcError), .. utf8];
    }

    /// <summary>Adds a stored entry.</summary>
    public RawZip Add(byte[] name, byte[] content, ushort flags = 0, byte[]? extra = null, byte system = Dos, uint mode = 0)
    {
        var place = (uint)_body.Count;
        Write(_body, [0x50, 0x4b, 3, 4]);
        Common(_body, name, content, flags, 0);
        Write(_body, name, content);
        Write(_directory, [0x50, 0x4b, 1, 2, 20, system]);
        Common(_directory, name, content, flags, (ushort)(extra?.Length ?? 0));
        Write(_directory, new byte[6], BitConverter.GetBytes(mode << 16), BitConverter.GetBytes(place), name, extra ?? []);
        _count++;
        return this;
    }

    public byte[] ToArray() =>
        [.. _body, .. _directory, 0x50, 0x4b, 5, 6, 0, 0, 0, 0, .. BitConverter.GetBytes(_count),
            .. BitConverter.GetBytes(_count), .. BitConverter.GetBytes((uint)_directory.Count),
            .. BitConverter.GetBytes((uint)_body.Count), 0, 0];

    private static void Common(List<byte> stream, byte[] name, byte[] content, ushort flags, ushort extra) =>
        Write(stream, [20, 0], BitConverter.GetBytes(flags), new byte[6], BitConverter.GetBytes(Crc32.HashToUInt32(content)),
            BitConverter.GetBytes(content.Length), BitConverter.GetBytes(content.Length), BitConverter.GetBytes((ushort)name.Length),
            BitConverter.GetBytes(extra));

    private static void Write(List<byte> stream, params byte[][] parts)
    {
        foreach (var part in parts)
            stream.AddRange(part);
    }
}
