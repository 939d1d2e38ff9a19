using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Persistence;

/// <summary>
/// The checkpoints of one training: safetensors files in a folder, numbered by step, of which the two newest are kept. A file appears
/// under its name only when it is whole: it is written under another name, flushed to the disk, and renamed.
/// </summary>
/// <param name="folder">The folder; made when the first checkpoint is written.</param>
internal sealed class CheckpointFolder(string folder)
{
    private const string Pattern = "checkpoint-*.safetensors";
    private const string HashKey = "sha256";
    private const int Kept = 2;

    /// <summary>Whether there is any checkpoint.</summary>
    public bool HasCheckpoints => Files().Count > 0;

    /// <summary>Writes a checkpoint and removes all but the two newest.</summary>
    /// <param name="step">Its number; higher is newer.</param>
    /// <param name="metadata">Texts to keep beside the tensors.</param>
    /// <param name="tensors">The tensors.</param>
    /// <exception cref="IOException">The disk is full, or the folder cannot be written to. The checkpoints of before are untouched.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder cannot be written to.</exception>
    public void Write(long step, IReadOnlyDictionary<string, string> metadata, IReadOnlyList<NamedTensor> tensors)
    {
        Directory.CreateDirectory(folder);
        var path = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"checkpoint-{step:d12}.safetensors"));
        var unfinished = path + ".unfinished";
        using (var stream = new FileStream(unfinished, FileMode.Create, FileAccess.Write, FileShare.None))
        {
            Safetensors.Write(stream, tensors, new Dictionary<string, string>(metadata) { [HashKey] = Hash(metadata, tensors) });
            stream.Flush(flushToDisk: true);
        }
        File.Move(unfinished, path, overwrite: true);
        foreach (var old in Files().Skip(Kept))
            File.Delete(old);
    }

    /// <summary>Reads the newest checkpoint that is whole.</summary>
    /// <param name="onDamaged">Told of each newer one that is not.</param>
    /// <returns>Its path and content; <see langword="null"/> if there is none.</returns>
    public (string Path, IReadOnlyDictionary<string, string> Metadata, IReadOnlyList<NamedTensor> Tensors)? ReadNewest(Action<string> onDamaged)
    {
        foreach (var path in Files())
        {
            try
            {
                using var stream = File.OpenRead(path);
                var tensors = Safetensors.Read(stream, out var metadata);
                if (metadata.GetValueOrDefault(HashKey) != Hash(metadata, tensors))
                    throw new ModelFormatException("its content does not have the SHA-256 that it names");
                return (path, metadata, tensors);
            }
            catch (Exception e) when (e is FormatException or IOException)
            {
                onDamaged($"The checkpoint '{path}' is damaged and is passed over: {e.Message}");
                PutAside(path);
            }
        }
        return null;
    }

    // Under another name it neither counts as newest nor pushes out good ones; somebody may still want to look at it.
    private static void PutAside(string path)
    {
        try
        {
            File.Move(path, path + ".damaged", overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A folder that cannot be written to: the file stays, and is passed over again next time.
        }
    }

    // Newest first.
    private List<string> Files()
        => Directory.Exists(folder) ? [.. Directory.EnumerateFiles(folder, Pattern).OrderDescending(StringComparer.Ordinal)] : [];

    private static string Hash(IReadOnlyDictionary<string, string> metadata, IReadOnlyList<NamedTensor> tensors)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (key, value) in metadata.Where(pair => pair.Key != HashKey).OrderBy(pair => pair.Key, StringComparer.Ordinal))
            hash.AppendData(Encoding.UTF8.GetBytes($"{key}={value}\n"));
        foreach (var tensor in tensors)
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{tensor}\n"));
            hash.AppendData(tensor.Data.Span);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
