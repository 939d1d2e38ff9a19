using System.Buffers.Binary;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;

namespace Microsoft.ML.ResNet.Tests.Support;

/// <summary>
/// Small pickles of protocol 2, assembled instruction by instruction as Python's <c>pickletools.dis</c> shows them, good and evil.
/// </summary>
internal static class PickleText
{
    public static byte[] None => "N"u8.ToArray();

    public static byte[] Integer(int value)
    {
        var bytes = new byte[5];
        bytes[0] = (byte)'J';
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(1), value);
        return bytes;
    }

    public static byte[] Text(string value)
    {
        var text = Encoding.UTF8.GetBytes(value);
        return [(byte)'X', .. BitConverter.GetBytes(text.Length), .. text];
    }

    public static byte[] Global(string module, string name) => Encoding.UTF8.GetBytes($"c{module}\n{name}\n");

    public static byte[] Tuple(params byte[][] items) => [(byte)'(', .. items.SelectMany(item => item), (byte)'t'];

    public static byte[] Call(byte[] function, params byte[][] arguments) => [.. function, .. Tuple(arguments), (byte)'R'];

    public static byte[] Dictionary(params (string Key, byte[] Value)[] items) =>
        [(byte)'}', (byte)'(', .. items.SelectMany(item => Text(item.Key).Concat(item.Value)), (byte)'u'];

    public static byte[] List(params byte[][] items) => [(byte)']', (byte)'(', .. items.SelectMany(item => item), (byte)'e'];

    /// <summary>An instance of a class, with attributes: what Python writes for an object of protocol 2.</summary>
    public static byte[] Instance(string module, string name, params (string Key, byte[] Value)[] attributes) =>
        [.. Global(module, name), .. Tuple(), 0x81, .. Dictionary(attributes), (byte)'b'];

    public static byte[] Storage(string key, int count, string type = "FloatStorage") =>
        [.. Tuple(Text("storage"), Global("torch", type), Text(key), Text("cpu"), Integer(count)), (byte)'Q'];

    public static byte[] Tensor(string key, int count, int offset, int[] shape, int[] strides) => Call(
        Global("torch._utils", "_rebuild_tensor_v2"), Storage(key, count), Integer(offset), Integers(shape), Integers(strides),
            [0x89], None);

    /// <summary>The pickle between its protocol and its stop.</summary>
    public static byte[] Whole(byte[] value) => [0x80, 2, .. value, (byte)'.'];

    /// <summary>A file as <c>torch.save</c> lays it out.</summary>
    public static byte[] Archive(byte[] value, params (string Key, float[] Data)[] storages)
    {
        using var stream = new MemoryStream();
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            Add(archive, "test/data.pkl", Whole(value));
            foreach (var (key, data) in storages)
                Add(archive, $"test/data/{key}", MemoryMarshal.AsBytes(data.AsSpan()).ToArray());
        }
        return stream.ToArray();
    }

    /// <summary>A file as <c>torch.save</c> wrote it before PyTorch 1.6.</summary>
    public static byte[] Legacy(byte[] value, params (string Key, float[] Data)[] storages)
    {
        byte[] magic = [0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19];
        byte[] keys = [(byte)']', (byte)'(', .. storages.SelectMany(storage => Text(storage.Key)), (byte)'e'];
        byte[] data =
            [.. storages.SelectMany(storage => BitConverter.GetBytes((long)storage.Data.Length)
            .Concat(MemoryMarshal.AsBytes(storage.Data.AsSpan()).ToArray()))];
        return [.. Whole(magic), .. Whole(Integer(1001)), .. Whole(Dictionary(("little_endian", [0x88]))), .. Whole(value),
            .. Whole(keys), .. data];
    }

    private static byte[] Integers(int[] values) => Tuple([.. values.Select(Integer)]);

    private static void Add(ZipArchive archive, string name, byte[] content)
    {
        using var stream = archive.CreateEntry(name, CompressionLevel.NoCompression).Open();
        stream.Write(content);
    }
}
