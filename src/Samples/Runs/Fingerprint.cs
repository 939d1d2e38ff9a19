using System.Security.Cryptography;
using System.Text;
using Samples.Pictures;

namespace Samples.Runs;

/// <summary>Tells whether data or a model are the same as those of before: by SHA-256 of what is in them.</summary>
internal static class Fingerprint
{
    private const string Unknown = "unknown";

    /// <summary>
    /// The checksum of a file, as <c>sha256sum</c> prints it; of a folder, that of the lines that <c>sha256sum</c> prints of its pictures,
    /// in the order of their names, with <c>/</c> between folders. A picture of no bytes is <c>empty</c> there, and one that cannot be read
    /// <c>unreadable</c>; all is <c>unknown</c> where the file or the folder cannot be read.
    /// </summary>
    /// <param name="path">The file or folder.</param>
    /// <param name="cancellation">Stops between two files.</param>
    public static string Of(string path, CancellationToken cancellation)
    {
        try
        {
            return Directory.Exists(path) ? OfFolder(path, cancellation) : FileLength.Of(path) == 0 ? Unknown : OfFile(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return Unknown;
        }
    }

    /// <summary>The checksum of a model's file.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static string OfModel(string path, CancellationToken cancellation)
        => Of(path, cancellation) is var checksum && checksum != Unknown
            ? checksum
            : throw new IOException($"'{path}' cannot be read; expected a model file that 'train' or 'import' has written.");

    private static string OfFolder(string path, CancellationToken cancellation)
    {
        string[] names = [.. PictureSource.Of(path).FileNames().Order(StringComparer.Ordinal)];
        var hasRuns = PictureFolder.Of(names).Folders.Any(folder => folder.IsRuns); // what trainings leave does not count
        return OfLines(names.Where(name => IsData(name) && !(hasRuns && IsOfRuns(name))).Select(name =>
        {
            cancellation.ThrowIfCancellationRequested();
            return $"{OfPicture(Path.Combine(path, name))}  {name}";
        }));
    }

    /// <summary>
    /// The same at a glance: of names, lengths and times of the last change, in milliseconds, without reading. What trainings leave in a
    /// folder does not count.
    /// </summary>
    /// <param name="paths">Files or folders.</param>
    public static string AtAGlance(params IEnumerable<string> paths) => OfLines(
        from path in paths
        from name in Directory.Exists(path) ? PictureSource.Of(path).FileNames().Order(StringComparer.Ordinal) : (IEnumerable<string>)[""]
        where !IsOfRuns(name)
        let file = new FileInfo(name.Length == 0 ? path : Path.Combine(path, name))
        select FormattableString.Invariant(
            $"{(file.Exists ? file.Length : -1)} {file.LastWriteTimeUtc.Ticks / TimeSpan.TicksPerMillisecond} {name}"));

    /// <summary>
    /// The checksum of the lines that <c>sha256sum</c> prints of some pictures, in this order; <c>empty</c> and <c>unreadable</c> as in
    /// folders.
    /// </summary>
    /// <param name="paths">The pictures.</param>
    /// <param name="cancellation">Stops between two files.</param>
    public static string OfFiles(IEnumerable<string> paths, CancellationToken cancellation)
        => OfLines(paths.Select(path =>
        {
            cancellation.ThrowIfCancellationRequested();
            return $"{OfPicture(path)}  {path}";
        }));

    /// <summary>The checksum of lines of text.</summary>
    public static string OfLines(IEnumerable<string> lines)
    {
        using var all = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var line in lines)
            all.AppendData(Encoding.UTF8.GetBytes($"{line}\n"));
        return Convert.ToHexStringLower(all.GetHashAndReset());
    }

    private static bool IsOfRuns(string name) => name.StartsWith($"{RunFolder.Root}/", StringComparison.Ordinal);

    private static bool IsData(string name)
        => PictureFolder.MayBePicture(name) || name.EndsWith(".bin", StringComparison.OrdinalIgnoreCase);

    private static string OfPicture(string path)
    {
        try
        {
            return FileLength.Of(path) == 0 ? "empty" : OfFile(path); // a pipe is empty, too: who reads one might wait for ever
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return "unreadable";
        }
    }

    private static string OfFile(string path)
    {
        using var file = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }
}
