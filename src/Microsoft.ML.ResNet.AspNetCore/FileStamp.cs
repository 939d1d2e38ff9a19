namespace Microsoft.ML.ResNet.AspNetCore;

/// <summary>What tells one content of a file from another without reading it. A link stands for the file behind it.</summary>
/// <param name="Path">The file itself, behind all links.</param>
/// <param name="Length">Its bytes.</param>
/// <param name="Written">When it was last written, in UTC.</param>
internal sealed record FileStamp(string Path, long Length, DateTime Written)
{
    /// <summary>Reads it; <see langword="null"/> where there is no file, or none that may be looked at.</summary>
    /// <param name="path">A full path.</param>
    public static FileStamp? Of(string path)
    {
        try
        {
            var file = new FileInfo(path);
            file = file.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? file;
            return file.Exists ? new(file.FullName, file.Length, file.LastWriteTimeUtc) : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
