using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Microsoft.ML.ResNet.Images.Cifar;

/// <summary>One file in a tar archive.</summary>
/// <param name="Name">Its path in the archive.</param>
/// <param name="IsRegular">Whether it is a file with a content of its own, and no folder, link or device.</param>
/// <param name="Length">The length of its content, in bytes.</param>
internal sealed record TarFile(string Name, bool IsRegular, long Length);

/// <summary>
/// The files in a tar archive, in one pass. .NET's own reader takes as much memory as an extended header claims to have: a gigabyte for a
/// few hundred bytes.
/// </summary>
/// <remarks>
/// Layout (POSIX.1-2017, pax, "ustar Interchange Format"; GNU tar's manual, "Basic Tar Format"): blocks of 512 bytes; a header, then the
/// content. Headers of type x (pax) and L (GNU) have the name of the file that follows as their content.
/// </remarks>
/// <param name="archive">The archive, not compressed; read from its position, and stays open.</param>
internal sealed class TarFiles(Stream archive)
{
    private const int BlockLength = 512, LongestExtension = 1 << 16, LongestName = 4096, ChecksumAt = 148, ChecksumLength = 8;

    private readonly byte[] _block = new byte[BlockLength];
    private long _left; // of the current file's content
    private long _padding; // behind it

    /// <summary>Goes on to the next file; what is left of the one before is passed over.</summary>
    /// <returns>The file; <see langword="null"/> at the end of the archive.</returns>
    /// <exception cref="InvalidDataException">The archive ends too early, or has a header that is none.</exception>
    public TarFile? Next()
    {
        for (var (name, length) = ((string?)null, (long?)null); ;)
        {
            PassOver(_left + _padding);
            (_left, _padding) = (0, 0);
            if (!TryReadHeader())
                return null;
            var type = (char)_block[156];
            var claimed = Number(_block.AsSpan(124, 12));
            if (type is 'x' or 'g' or 'L' or 'K')
            {
                var content = ReadExtension(claimed);
                if (type == 'x')
                    (name, length) = Attributes(content, name, length);
                else if (type == 'L')
                    name = Text(content);
                continue;
            }
            _left = type is >= '1' and <= '6' ? 0 : length ?? claimed;
            if (_left > long.MaxValue - BlockLength)
                throw new InvalidDataException("A header has a number that is negative or too large.");
            _padding = -_left & (BlockLength - 1);
            name ??= Name();
            return name.Length <= LongestName
                ? new(name, type is '0' or '\0', _left)
                : throw new InvalidDataException($"A name has {name.Length} letters; expected at most {LongestName}.");
        }
    }

    /// <summary>The content of the current file, until the next one is asked for. Ends early where the archive does.</summary>
    public Stream Content => new ContentStream(this);

    private bool TryReadHeader()
    {
        var read = archive.ReadAtLeast(_block, BlockLength, throwOnEndOfStream: false);
        if (read == 0 || (read == BlockLength && !_block.AsSpan().ContainsAnyExcept((byte)0)))
            return false;
        if (read < BlockLength)
            throw new InvalidDataException("It ends inside a header.");
        var sum = ChecksumLength * ' ';
        for (var i = 0; i < BlockLength; i++)
            sum += i is >= ChecksumAt and < ChecksumAt + ChecksumLength ? 0 : _block[i];
        return Number(_block.AsSpan(ChecksumAt, ChecksumLength)) == sum
            ? true
            : throw new InvalidDataException("A header's checksum differs from its bytes.");
    }

    private byte[] ReadExtension(long length)
    {
        if (length > LongestExtension)
            throw new InvalidDataException($"An extended header claims {length} bytes; expected at most {LongestExtension}.");
        var content = new byte[length];
        if (archive.ReadAtLeast(content, content.Length, throwOnEndOfStream: false) < content.Length)
            throw new InvalidDataException("It ends inside an extended header.");
        _padding = -length & (BlockLength - 1);
        return content;
    }

    private string Name()
    {
        var name = Text(_block.AsSpan(0, 100));
        var prefix = _block.AsSpan(257, 6).SequenceEqual("ustar\0"u8) ? Text(_block.AsSpan(345, 155)) : "";
        return prefix.Length == 0 ? name : $"{prefix}/{name}";
    }

    /// <summary>Lines of <c>LENGTH key=value</c>, of which two matter here.</summary>
    private static (string? Name, long? Length) Attributes(ReadOnlySpan<byte> content, string? name, long? length)
    {
        while (!content.IsEmpty)
        {
            var space = content.IndexOf((byte)' ');
            if (space < 0 || !int.TryParse(content[..space], NumberStyles.None, CultureInfo.InvariantCulture, out var count)
                || count <= space + 1 || count > content.Length)
                throw new InvalidDataException("An extended header has a line of another length than it says.");
            var line = content[(space + 1)..count];
            if (line.StartsWith("path="u8))
                name = Encoding.UTF8.GetString(line[5..].TrimEnd((byte)'\n'));
            else if (line.StartsWith("size="u8))
                length = long.TryParse(line[5..].TrimEnd((byte)'\n'), NumberStyles.None, CultureInfo.InvariantCulture, out var size)
                    ? size
                    : throw new InvalidDataException("An extended header has a size that is no number.");
            content = content[count..];
        }
        return (name, length);
    }

    /// <summary>A number in octal digits, or, for large ones, in big-endian bytes after 0x80.</summary>
    private static long Number(ReadOnlySpan<byte> field)
    {
        if (field[0] >= 0x80)
            return field[0] == 0x80 && field[..^8].LastIndexOfAnyExcept((byte)0) <= 0
                && BinaryPrimitives.ReadInt64BigEndian(field[^8..]) is >= 0 and var number
                ? number
                : throw new InvalidDataException("A header has a number that is negative or too large.");
        var value = 0L;
        var digits = field.TrimStart((byte)' ');
        foreach (var digit in digits.IndexOfAny((byte)' ', (byte)0) is >= 0 and var end ? digits[..end] : digits)
            value = digit is >= (byte)'0' and <= (byte)'7'
                ? (value * 8) + digit - '0'
                : throw new InvalidDataException("A header has a number that is none.");
        return value;
    }

    private static string Text(ReadOnlySpan<byte> field)
        => Encoding.UTF8.GetString(field.IndexOf((byte)0) is >= 0 and var end ? field[..end] : field);

    private void PassOver(long count)
    {
        Span<byte> buffer = stackalloc byte[4096];
        while (count > 0)
        {
            var read = archive.Read(buffer[..(int)Math.Min(count, buffer.Length)]);
            count -= read > 0 ? read : throw new InvalidDataException("It ends inside a file.");
        }
    }

    private int Read(Span<byte> buffer)
    {
        var read = archive.Read(buffer[..(int)Math.Min(buffer.Length, _left)]);
        _left -= read;
        return read;
    }

    private sealed class ContentStream(TarFiles files) : ForwardStream
    {
        public override int Read(Span<byte> buffer) => files.Read(buffer);
    }
}
