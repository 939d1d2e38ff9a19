using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace Microsoft.ML.ResNet.Images.Folders;

/// <summary>
/// The directory at the end of a zip archive. .NET's <c>ZipArchive</c> reads it as well, but keeps to itself where an entry lies, so that
/// its entries can be read by one thread at a time only; and it reads the directory anew for every pass.
/// </summary>
/// <remarks>
/// Layout (PKWARE's APPNOTE.TXT, sections 4.3.12 to 4.3.16), little-endian: the entries' headers, then, for large archives, the Zip64 end
/// record and its locator, then the end record, and a comment of up to 65,535 bytes.
/// </remarks>
internal sealed class ZipDirectory
{
    private const uint HeaderSignature = 0x02014b50, EndSignature = 0x06054b50, Zip64EndSignature = 0x06064b50,
        LocatorSignature = 0x07064b50;
    private const int HeaderLength = 46, EndLength = 22, Zip64EndLength = 56, LocatorLength = 20;
    private const ushort EncryptedFlag = 1, Utf8Flag = 1 << 11, Zip64Field = 1;
    private const int Unix = 3, MacOS = 19; // systems that write a file's mode into the upper half of its attributes
    private const uint TypeMask = 0xF000, RegularType = 0x8000, FolderType = 0x4000; // of a mode

    private readonly Dictionary<string, ZipEntry> _entries = new(StringComparer.Ordinal);

    /// <param name="headers">The entries' headers, one after the other.</param>
    /// <param name="count">How many there are.</param>
    private ZipDirectory(ReadOnlySpan<byte> headers, long count)
    {
        for (var i = 0L; i < count; i++)
            headers = headers[Add(headers)..];
    }

    /// <summary>The entries by name, folders included. Of two entries of one name, the first.</summary>
    public IReadOnlyDictionary<string, ZipEntry> Entries => _entries;

    /// <summary>The first name whose folder is in an encoding that nobody tells, or <see langword="null"/>.</summary>
    public string? UnknownName { get; private set; }

    /// <summary>Reads the directory of an archive.</summary>
    /// <exception cref="InvalidDataException">The archive is truncated, damaged, or none.</exception>
    public static ZipDirectory Read(SafeFileHandle archive)
    {
        var (count, length, offset, end) = FindEnd(archive);
        if (count < 0 || length < 0 || offset < 0 || offset > end || length > Math.Min(end - offset, Array.MaxLength)
            || count > length / HeaderLength)
            throw Broken($"{count} entries in a directory of {length} bytes at {offset}", $"them before its end record at {end}");
        return new ZipDirectory(ReadAt(archive, offset, (int)length), count);
    }

    private static (long Count, long Length, long Offset, long End) FindEnd(SafeFileHandle archive)
    {
        var tailLength = (int)Math.Min(RandomAccess.GetLength(archive), EndLength + ushort.MaxValue);
        var tailOffset = RandomAccess.GetLength(archive) - tailLength;
        ReadOnlySpan<byte> tail = ReadAt(archive, tailOffset, tailLength);
        for (var i = tailLength - EndLength; i >= 0; i--)
        {
            var record = tail[i..];
            if (UInt32(record, 0) != EndSignature || UInt16(record, 20) > record.Length - EndLength)
                continue;
            var (count, length, offset) = (UInt16(record, 10), UInt32(record, 12), UInt32(record, 16));
            return count == ushort.MaxValue || length == uint.MaxValue || offset == uint.MaxValue
                ? Zip64End(archive, tailOffset + i) ?? (count, length, offset, tailOffset + i)
                : (count, length, offset, tailOffset + i);
        }
        throw Broken("the end record of a zip archive", "none");
    }

    private static (long Count, long Length, long Offset, long End)? Zip64End(SafeFileHandle archive, long end)
    {
        if (end < LocatorLength + Zip64EndLength)
            return null;
        ReadOnlySpan<byte> locator = ReadAt(archive, end - LocatorLength, LocatorLength);
        if (UInt32(locator, 0) != LocatorSignature)
            return null;
        var at = Int64(locator, 8);
        if (at < 0 || at > end - LocatorLength - Zip64EndLength)
            throw Broken("the Zip64 end record before its locator", $"it at {at}");
        ReadOnlySpan<byte> record = ReadAt(archive, at, Zip64EndLength);
        return UInt32(record, 0) == Zip64EndSignature
            ? (Int64(record, 32), Int64(record, 40), Int64(record, 48), at)
            : throw Broken("the Zip64 end record", "something else");
    }

    /// <summary>Takes one entry's header from the front of what is left, and returns its length.</summary>
    private int Add(ReadOnlySpan<byte> headers)
    {
        if (headers.Length < HeaderLength || UInt32(headers, 0) != HeaderSignature)
            throw Broken($"the header of entry {_entries.Count + 1}", "something else");
        var (name, extra, comment) = (UInt16(headers, 28), UInt16(headers, 30), UInt16(headers, 32));
        var length = HeaderLength + name + extra + comment;
        if (length > headers.Length)
            throw Broken($"a header of {length} bytes", $"{headers.Length} bytes to the directory's end");
        var entry = new ZipEntry(UInt32(headers, 42), UInt32(headers, 20), UInt32(headers, 24), UInt16(headers, 10),
            (UInt16(headers, 8) & EncryptedFlag) != 0, IsRegular(headers[5], UInt32(headers, 38) >> 16));
        var fields = headers.Slice(HeaderLength + name, extra);
        var isUtf8 = (UInt16(headers, 8) & Utf8Flag) != 0;
        var text = ZipNames.Read(headers.Slice(HeaderLength, name), isUtf8, fields, out var isKnown);
        if (!isKnown)
            UnknownName ??= text;
        _entries.TryAdd(text, WithZip64(entry, fields));
        return length;
    }

    private static bool IsRegular(byte system, uint mode)
        => system is not (Unix or MacOS) || (mode & TypeMask) is 0 or RegularType or FolderType;

    /// <summary>
    /// Takes from the Zip64 field, if there is one, the numbers that did not fit into 32 bits: first the length, then that in the archive,
    /// then the place.
    /// </summary>
    private static ZipEntry WithZip64(ZipEntry entry, ReadOnlySpan<byte> extra)
    {
        while (extra.Length >= 4)
        {
            var (kind, length) = (UInt16(extra, 0), UInt16(extra, 2));
            if (length > extra.Length - 4)
                return entry; // other programs' fields are not ours to judge
            var numbers = extra.Slice(4, length);
            extra = extra[(4 + length)..];
            if (kind != Zip64Field)
                continue;
            var whole = Take(entry.Length, ref numbers);
            var stored = Take(entry.StoredLength, ref numbers);
            return entry with { Length = whole, StoredLength = stored, Offset = Take(entry.Offset, ref numbers) };
        }
        return entry;
    }

    private static long Take(long number, ref ReadOnlySpan<byte> numbers)
    {
        if (number != uint.MaxValue || numbers.Length < sizeof(long))
            return number;
        number = Int64(numbers, 0);
        numbers = numbers[sizeof(long)..];
        return number >= 0 ? number : throw Broken("a length or a place", $"{number}");
    }

    private static byte[] ReadAt(SafeFileHandle archive, long offset, int length)
    {
        var bytes = GC.AllocateUninitializedArray<byte>(length);
        return FileBytes.Read(archive, offset, bytes) == length ? bytes : throw Broken($"{length} bytes at {offset}", "the archive's end");
    }

    private static InvalidDataException Broken(string expected, string found) => new($"expected {expected}, found {found}");

    private static ushort UInt16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    private static uint UInt32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    private static long Int64(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadInt64LittleEndian(bytes[at..]);
}
