namespace Microsoft.ML.ResNet.Images;

/// <summary>Names what a file is by its first bytes, where that is something that we do not read: for messages.</summary>
internal static class FileSignature
{
    private const int TarMagicOffset = 257;

    /// <summary>The name of an image format that Skia does not decode, or of what people take for an image.</summary>
    /// <param name="start">The file's first bytes.</param>
    /// <returns>The name with its article, or <see langword="null"/> where the bytes tell nothing.</returns>
    public static string? Of(ReadOnlySpan<byte> start)
    {
        if (start.StartsWith("II*\0"u8) || start.StartsWith("MM\0*"u8) || start.StartsWith("II+\0"u8) || start.StartsWith("MM\0+"u8))
            return "a TIFF (or a camera's raw file)";
        if (start.Length >= 12 && start[4..8].SequenceEqual("ftyp"u8))
            return Brand(start[8..12]);
        if (start.StartsWith((ReadOnlySpan<byte>)[0xFF, 0x0A]) || start.StartsWith("\0\0\0\x0CJXL "u8))
            return "a JPEG XL file";
        if (start.StartsWith("\0\0\0\x0CjP  "u8) || start.StartsWith((ReadOnlySpan<byte>)[0xFF, 0x4F, 0xFF, 0x51]))
            return "a JPEG 2000 file";
        if (start.Length > 132 && start[128..132].SequenceEqual("DICM"u8))
            return "a DICOM file";
        if (start.StartsWith("8BPS"u8))
            return "a Photoshop document";
        if (start.StartsWith("%PDF"u8))
            return "a PDF";
        if (start.Length > 2 && start[0] == 'P' && start[1] is >= (byte)'1' and <= (byte)'7' && start[2] is (byte)'\n' or (byte)' ')
            return "a Netpbm file (PBM, PGM, PPM)";
        return Archive(start) ?? Markup(start);
    }

    /// <summary>The name of a kind of archive that is not zip.</summary>
    /// <inheritdoc cref="Of"/>
    public static string? Archive(ReadOnlySpan<byte> start)
    {
        if (start.StartsWith((ReadOnlySpan<byte>)[0x1F, 0x8B]))
            return "a gzip file (.gz, .tar.gz, .tgz)";
        if (start.StartsWith("BZh"u8))
            return "a bzip2 file (.bz2, .tar.bz2)";
        if (start.StartsWith((ReadOnlySpan<byte>)[0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z']))
            return "an xz file (.xz, .tar.xz)";
        if (start.StartsWith((ReadOnlySpan<byte>)[0x28, 0xB5, 0x2F, 0xFD]))
            return "a Zstandard file (.zst, .tar.zst)";
        if (start.StartsWith((ReadOnlySpan<byte>)[(byte)'7', (byte)'z', 0xBC, 0xAF]))
            return "a 7z archive";
        if (start.StartsWith("Rar!"u8))
            return "a RAR archive";
        return start.Length > TarMagicOffset + 5 && start.Slice(TarMagicOffset, 5).SequenceEqual("ustar"u8) ? "a tar archive" : null;
    }

    private static string Brand(ReadOnlySpan<byte> brand)
        => brand.SequenceEqual("avif"u8) || brand.SequenceEqual("avis"u8) ? "an AVIF file"
            : brand.SequenceEqual("heic"u8) || brand.SequenceEqual("heix"u8) || brand.SequenceEqual("hevc"u8)
                || brand.SequenceEqual("mif1"u8) || brand.SequenceEqual("msf1"u8) ? "a HEIC file"
            : "a video or another file of the MPEG-4 family";

    private static string? Markup(ReadOnlySpan<byte> start)
    {
        var text = start.TrimStart(" \t\r\n"u8);
        if (text.StartsWith("<svg"u8) || (text.StartsWith("<?xml"u8) && text.IndexOf("<svg"u8) >= 0))
            return "an SVG drawing";
        return text.StartsWith("<"u8) ? "a web page or another text in markup, such as a server sends in place of an image" : null;
    }
}
