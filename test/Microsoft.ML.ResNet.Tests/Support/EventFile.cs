using System.Buffers.Binary;
using System.Text;

namespace Microsoft.ML.ResNet.Tests.Support;

/// <summary>
/// Reads TensorBoard's event files as TensorFlow describes them, with nothing of the writer's. Each record is its length (uint64), the
/// masked CRC-32C of that, the data, and the masked CRC-32C of that. The data is a protobuf message: 1 wall time (double), 2 step (varint),
/// 3 version (text), 5 summary { 1 value { 1 tag (text), 2 value (float) } }.
/// </summary>
internal static class EventFile
{
    /// <summary>The scalars of a file.</summary>
    /// <exception cref="InvalidDataException">A length or a checksum is wrong, or the first record does not name the version.</exception>
    public static IReadOnlyList<(string Tag, long Step, float Value)> ReadScalars(string path)
    {
        var scalars = new List<(string, long, float)>();
        var records = Records(File.ReadAllBytes(path)).ToList();
        if (Encoding.UTF8.GetString(Field(records[0], 3)) != "brain.Event:2")
            throw new InvalidDataException("The first record does not name the version.");
        foreach (var record in records.Skip(1))
        {
            var value = Field(Field(record, 5), 1);
            scalars.Add(
                (Encoding.UTF8.GetString(Field(value, 1)), (long)Varint(Field(record, 2)),
                BinaryPrimitives.ReadSingleLittleEndian(Field(value, 2))));
        }
        return scalars;
    }

    private static IEnumerable<byte[]> Records(byte[] file)
    {
        for (var at = 0; at < file.Length;)
        {
            var length = (int)BinaryPrimitives.ReadUInt64LittleEndian(file.AsSpan(at));
            Check(file.AsSpan(at, 8), file.AsSpan(at + 8));
            Check(file.AsSpan(at + 12, length), file.AsSpan(at + 12 + length));
            yield return file[(at + 12)..(at + 12 + length)];
            at += 16 + length;
        }
    }

    private static void Check(ReadOnlySpan<byte> data, ReadOnlySpan<byte> checksum)
    {
        var crc = ~0u;
        foreach (var value in data)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc & 1) == 0 ? crc >> 1 : crc >> 1 ^ 0x82F63B78; // Castagnoli's polynomial, mirrored
        }
        crc = ~crc;
        if ((crc >> 15 | crc << 17) + 0xA282EAD8 != BinaryPrimitives.ReadUInt32LittleEndian(checksum))
            throw new InvalidDataException("A checksum is wrong.");
    }

    // The bytes of the first field of that number; a varint's as they are.
    private static byte[] Field(ReadOnlySpan<byte> message, int number)
    {
        while (!message.IsEmpty)
        {
            var key = Take(ref message);
            var length = (key & 7) switch
            {
                0 => VarintLength(message),
                1 => 8,
                2 => (int)Take(ref message),
                5 => 4,
                var kind => throw new InvalidDataException($"Unknown kind of field: {kind}."),
            };
            if ((int)(key >> 3) == number)
                return message[..length].ToArray();
            message = message[length..];
        }
        throw new InvalidDataException($"There is no field {number}.");
    }

    private static ulong Take(ref ReadOnlySpan<byte> message)
    {
        var length = VarintLength(message);
        var value = Varint(message[..length]);
        message = message[length..];
        return value;
    }

    private static int VarintLength(ReadOnlySpan<byte> message)
    {
        var length = 1;
        while ((message[length - 1] & 0x80) != 0)
            length++;
        return length;
    }

    private static ulong Varint(ReadOnlySpan<byte> bytes)
    {
        var value = 0ul;
        for (var i = 0; i < bytes.Length; i++)
            value |= (ulong)(bytes[i] & 0x7F) << (7 * i);
        return value;
    }
}
