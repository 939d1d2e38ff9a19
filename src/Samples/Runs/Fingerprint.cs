using System.Security.Cryptography;
using System.Text;
using Samples.Pictures;

namespace Samples.Runs;

/// <summary>Tells whether data or a model are the same as those of before: by SHA-256 of what is in them.</summary>
internal static class Fingerprint
{
    /// <summary>
    /// The checksum of a file, as <c>sha256sum</c> prints it; of a folder, that of the lines that <c>sha256sum</c> prints of its files, in
    /// the order of their names, with <c>/</c> between folders.
    /// </summary>
    /// <param name="path">The file or folder.</param>
    /// <param name="cancellation">Stops between two files.</param>
    public static string Of(string path, CancellationToken cancellation)
    {
        if (!Directory.Exists(path))
            return OfFile(path);
        using var all = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var name in PictureSource.Of(path).FileNames().Order(StringComparer.Ordinal))
        {
            cancellation.ThrowIfCancellationRequested();
            all.AppendData(Encoding.UTF8.GetBytes($"{OfFile(Path.Combine(path, name))}  {name}\n"));
        }
        return Convert.ToHexStringLower(all.GetHashAndReset());
    }

    /// <summary>
    /// The same at a glance: of names, lengths and times of the last change, in milliseconds, without reading. What trainings leave in a
    /// folder does not count.
    /// </summary>
    /// <param name="paths">Files or folders.</param>
    public static string AtAGlance(params IEnumerable<string> paths)
    {
        using var all = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var path in paths)
        {
            IEnumerable<string> names = Directory.Exists(path) ? PictureSource.Of(path).FileNames().Order(StringComparer.Ordinal) : [""];
            foreach (var name in names.Where(name => !name.StartsWith($"{RunFolder.Root}/", StringComparison.Ordinal)))
            {
                var file = new FileInfo(name.Length == 0 ? path : Path.Combine(path, name));
                all.AppendData(Encoding.UTF8.GetBytes(FormattableString.Invariant(
                    $"{(file.Exists ? file.Length : -1)} {file.LastWriteTimeUtc.Ticks / TimeSpan.TicksPerMillisecond} {name}\n")));
            }
        }
        return Convert.ToHexStringLower(all.GetHashAndReset());
    }

    private static string OfFile(string path)
    {
        using var file = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }
}
