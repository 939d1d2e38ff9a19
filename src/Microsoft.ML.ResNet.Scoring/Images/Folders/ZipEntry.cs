namespace Microsoft.ML.ResNet.Images.Folders;

/// <summary>Where a file lies in a zip archive, as the archive's directory tells; nothing of it is checked.</summary>
/// <param name="Offset">Where its local header begins, in bytes.</param>
/// <param name="StoredLength">Its length in the archive, in bytes.</param>
/// <param name="Length">Its own length, in bytes.</param>
/// <param name="Method">How it is compressed: <see cref="Stored"/>, <see cref="Deflated"/>, or what we do not read.</param>
/// <param name="IsEncrypted">Whether a password is needed.</param>
/// <param name="IsRegular">Whether it is a file with a content of its own, and no link or device.</param>
internal readonly record struct ZipEntry(long Offset, long StoredLength, long Length, ushort Method, bool IsEncrypted,
    bool IsRegular)
{
    /// <summary>Not compressed.</summary>
    public const ushort Stored = 0;

    /// <summary>Compressed by Deflate.</summary>
    public const ushort Deflated = 8;

    // Deflate cannot shrink better than 1 : 1,032, so a claimed length beyond that is a lie and no memory is set aside for it.
    private const long BestCompression = 1032;

    /// <summary>Why the file is not read, expected and found, or null.</summary>
    /// <param name="archiveLength">The length of the archive, in bytes.</param>
    public string? Problem(long archiveLength)
    {
        var limit = Method == Stored ? StoredLength : (Math.Min(StoredLength, ImageStore.MaxImageLength) + 1) * BestCompression;
        limit = Math.Min(limit, ImageStore.MaxImageLength);
        if (!IsRegular)
            return "expected a file, found a link, a pipe or a device";
        if (IsEncrypted)
            return "expected an entry that needs no password, found an encrypted one";
        if (Method is not (Stored or Deflated))
            return $"expected an entry that is stored or deflated, found compression method {Method}";
        if (StoredLength > archiveLength - Offset)
            return $"expected an intact zip entry, found one of {StoredLength} bytes that begins {archiveLength - Offset} bytes before "
                + "the archive's end";
        if (StoredLength > ImageStore.MaxImageLength)
            return $"expected at most {ImageStore.MaxImageLength} bytes, found {StoredLength} in the archive";
        return Length <= limit ? null : $"expected at most {limit} bytes, found an entry that claims {Length}";
    }
}
