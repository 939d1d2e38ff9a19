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

    private static string OfFile(string path)
    {
        using var file = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }
}
