using System.IO.Compression;
using System.Text;

namespace Microsoft.ML.ResNet.Tests.Images;

/// <summary>Zip archives put together by hand, field by field, for what .NET's writer never writes.</summary>
internal sealed class ZipArchiveSample
{
    private readonly List<(string Name, byte[] Content)> _files = [];

    /// <summary>Compression method of all entries.</summary>
    public ushort Method { get; init; }

    /// <summary>General purpose flags of all entries.</summary>
    public ushort Flags { get; init; }

    /// <summary>Whether lengths and places are written to Zip64 fields.</summary>
    public bool Zip64 { get; init; }

    /// <summary>Bytes of other fields in the local headers, which the directory does not have.</summary>
    public int LocalExtra { get; init; }

    /// <summary>The comment at the end.</summary>
    public byte[] Comment { get; init; } = [];

    public ZipArchiveSample Add(string name, byte[] content)
    {
        _files.Add((name, content));
        return this;
    }

    public byte[] ToArray()
    {
        var stream = new MemoryStream();
        var writer = new BinaryWriter(stream);
        var places = _files.ConvertAll(file => Entry(writer, file.Name, Stored(file.Content), file.Content.Length));
        var directory = stream.Position;
        for (var i = 0; i < _files.Count; i++)
            Header(writer, _files[i].Name, Stored(_files[i].Content).Length, _files[i].Content.Length, places[i]);
        var length = stream.Position - directory;
        if (Zip64)
            Zip64End(writer, directory, length);
        writer.Write(0x06054b50);
        writer.Write(0); // disks
        writer.Write(Zip64 ? ushort.MaxValue : (ushort)_files.Count);
        writer.Write(Zip64 ? ushort.MaxValue : (ushort)_files.Count);
        writer.Write(Zip64 ? uint.MaxValue : (uint)length);
        writer.Write(Zip64 ? uint.MaxValue : (uint)directory);
        writer.Write((ushort)Comment.Length);
        writer.Write(Comment);
        return stream.ToArray();
    }

    private byte[] Stored(byte[] content)
    {
        if (Method != 8)
            return content;
        var stream = new MemoryStream();
        using (var deflate = new DeflateStream(stream, CompressionLevel.Optimal))
            deflate.Write(content);
        return stream.ToArray();
    }

    private long Entry(BinaryWriter writer, string name, byte[] stored, int length)
    {
        var place = writer.BaseStream.Position;
        writer.Write(0x04034b50);
        Common(writer, stored.Length, length, Zip64);
        writer.Write((ushort)name.Length);
        writer.Write((ushort)LocalExtra);
        writer.Write(Encoding.UTF8.GetBytes(name));
        writer.Write(new byte[LocalExtra]);
        writer.Write(stored);
        return place;
    }

    private void Header(BinaryWriter writer, string name, int stored, int length, long place)
    {
        writer.Write(0x02014b50);
        writer.Write((ushort)45);
        Common(writer, stored, length, Zip64);
        writer.Write((ushort)name.Length);
        writer.Write((ushort)(Zip64 ? 7 + 28 : 0));
        writer.Write(0); // no comment, first disk
        writer.Write((ushort)0);
        writer.Write(0);
        writer.Write(Zip64 ? uint.MaxValue : (uint)place);
        writer.Write(Encoding.UTF8.GetBytes(name));
        if (!Zip64)
            return;
        writer.Write((byte[])[0x55, 0x54, 3, 0, 1, 2, 3]); // somebody else's field in front
        writer.Write((ushort)1);
        writer.Write((ushort)24);
        writer.Write((long)length);
        writer.Write((long)stored);
        writer.Write(place);
    }

    private void Common(BinaryWriter writer, int stored, int length, bool hidden)
    {
        writer.Write((ushort)45); // version needed
        writer.Write(Flags);
        writer.Write(Method);
        writer.Write(0); // time and date
        writer.Write(0); // check sum: nobody looks
        writer.Write(hidden ? uint.MaxValue : (uint)stored);
        writer.Write(hidden ? uint.MaxValue : (uint)length);
    }

    private void Zip64End(BinaryWriter writer, long directory, long length)
    {
        var place = writer.BaseStream.Position;
        writer.Write(0x06064b50);
        writer.Write(44L);
        writer.Write(0x002d002d);
        writer.Write(0L); // disks
        writer.Write((long)_files.Count);
        writer.Write((long)_files.Count);
        writer.Write(length);
        writer.Write(directory);
        writer.Write(0x07064b50);
        writer.Write(0);
        writer.Write(place);
        writer.Write(1);
    }
}
