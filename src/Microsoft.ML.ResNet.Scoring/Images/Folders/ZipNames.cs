using System.Buffers.Binary;
using System.Globalization;
using System.IO.Hashing;
using System.Text;
using System.Text.Unicode;

namespace Microsoft.ML.ResNet.Images.Folders;

/// <summary>
/// Reads the names in a zip archive. Programs have written them in the encoding of the machine they ran on, and many do not say which.
/// </summary>
/// <remarks>
/// A name is UTF-8 where its flag says so (APPNOTE.TXT, appendix D), where Info-ZIP's Unicode path field holds it (section 4.6.9), and
/// where its bytes are valid UTF-8, which text in another encoding seldom is: macOS and others write UTF-8 without a flag. The standard's
/// own code page 437 is not tried, because it makes some text of any bytes.
/// </remarks>
internal static class ZipNames
{
    private const ushort UnicodePathField = 0x7075;
    private const int UnicodePathHeader = 5; // version, CRC-32 of the name that it stands for

    /// <summary>Reads a name.</summary>
    /// <param name="name">Its bytes.</param>
    /// <param name="isUtf8">Whether its flag says that it is UTF-8.</param>
    /// <param name="extra">The entry's extra fields.</param>
    /// <param name="isKnown">
    /// Whether the folders of the name are known for certain. A file name may hold bytes of an unknown encoding, because nobody learns from
    /// it; they read <c>%XX</c>, so that no two names become one.
    /// </param>
    /// <returns>The name with <c>/</c> between folders, and without <c>./</c> or <c>/</c> in front.</returns>
    public static string Read(ReadOnlySpan<byte> name, bool isUtf8, ReadOnlySpan<byte> extra, out bool isKnown)
    {
        if (!isUtf8)
            name = UnicodePath(name, extra);
        isKnown = true;
        if (Utf8.IsValid(name))
            return Clean(Encoding.UTF8.GetString(name));
        isKnown = Ascii.IsValid(name[..(name.LastIndexOf((byte)'/') + 1)]); // a folder that happens to be valid is in that encoding, too
        var text = new StringBuilder();
        foreach (var value in name)
            _ = value < 0x80 ? text.Append((char)value) : text.Append(CultureInfo.InvariantCulture, $"%{value:X2}");
        return Clean(text.ToString());
    }

    /// <summary>The name in the Unicode path field, if there is one and it stands for this name.</summary>
    private static ReadOnlySpan<byte> UnicodePath(ReadOnlySpan<byte> name, ReadOnlySpan<byte> extra)
    {
        while (extra.Length >= 4)
        {
            var kind = BinaryPrimitives.ReadUInt16LittleEndian(extra);
            var length = BinaryPrimitives.ReadUInt16LittleEndian(extra[2..]);
            if (length > extra.Length - 4)
                break;
            var field = extra.Slice(4, length);
            if (kind == UnicodePathField && length > UnicodePathHeader && field[0] == 1
                && BinaryPrimitives.ReadUInt32LittleEndian(field[1..]) == Crc32.HashToUInt32(name))
                return field[UnicodePathHeader..];
            extra = extra[(4 + length)..];
        }
        return name;
    }

    // Old programs on Windows wrote backslashes, which the standard forbids.
    private static string Clean(string name)
    {
        name = name.Replace('\\', '/');
        while (name.StartsWith("./", StringComparison.Ordinal) || name.StartsWith('/'))
            name = name[(name.IndexOf('/') + 1)..];
        return name;
    }
}
