using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Persistence;

/// <summary>
/// The checkpoints of one training: safetensors files in a folder, numbered by step, of which the two newest are kept. A file appears
/// under its name only when it is whole: it is written under another name, flushed to the disk, and renamed.
/// </summary>
/// <param name="folder">The folder; made when something is written.</param>
internal sealed class CheckpointFolder(string folder)
{
    private const string Pattern = "checkpoint-*.safetensors";
    private const string Unfinished = ".unfinished";
    private const string HashKey = "sha256";
    private const int Kept = 2;

    /// <summary>Whether there is any checkpoint.</summary>
    public bool HasCheckpoints => Files().Count > 0;

    /// <summary>Tries whether the folder can be written to.</summary>
    /// <returns>What keeps it from that; <see langword="null"/> if nothing does.</returns>
    public string? WhyNotWritable()
    {
        try
        {
            Directory.CreateDirectory(folder);
            using var probe = new FileStream(Path.Combine(folder, "probe" + Unfinished), FileMode.Create, FileAccess.Write, FileShare.None,
                bufferSize: 1, FileOptions.DeleteOnClose);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }

    /// <summary>Writes a checkpoint and removes all but the two newest, and what a process left that died while it wrote.</summary>
    /// <param name="step">Its number; higher is newer.</param>
    /// <param name="metadata">Texts to keep beside the tensors.</param>
    /// <param name="tensors">The tensors.</param>
    /// <exception cref="IOException">
    /// The disk is full, or the folder cannot be written to. The checkpoints of before are untouched.
    /// </exception>
    /// <exception cref="UnauthorizedAccessException">The folder cannot be written to.</exception>
    public void Write(long step, IReadOnlyDictionary<string, string> metadata, IReadOnlyList<NamedTensor> tensors)
    {
        Directory.CreateDirectory(folder);
        var path = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"checkpoint-{step:d12}.safetensors"));
        try
        {
            using (var stream = new FileStream(path + Unfinished, FileMode.Create, FileAccess.Write, FileShare.None))
            {
                Safetensors.Write(stream, tensors, new Dictionary<string, string>(metadata) { [HashKey] = Hash(metadata, tensors) });
                stream.Flush(flushToDisk: true);
            }
            File.Move(path + Unfinished, path, overwrite: true);
        }
        finally
        {
            // Half a file on a full disk would keep it full.
            foreach (var left in Directory.EnumerateFiles(folder, Pattern + Unfinished))
                File.Delete(left);
        }
        foreach (var old in Files().Skip(Kept))
            File.Delete(old);
    }

    /// <summary>Reads the newest checkpoint that is whole.</summary>
    /// <param name="onDamaged">Told of each newer one that is not.</param>
    /// <returns>Its path and content; <see langword="null"/> if there is none.</returns>
    public Checkpoint? ReadNewest(Action<string> onDamaged)
    {
        foreach (var path in Files())
        {
            try
            {
                using var stream = File.OpenRead(path);
                var tensors = Safetensors.Read(stream, out var metadata);
                if (metadata.GetValueOrDefault(HashKey) != Hash(metadata, tensors))
                    throw new ModelFormatException("its content does not have the SHA-256 that it names");
                return new Checkpoint(path, metadata, tensors);
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

/// <summary>A checkpoint that was read.</summary>
/// <param name="Path">Its file.</param>
/// <param name="Metadata">The texts beside the tensors.</param>
/// <param name="Tensors">The tensors.</param>
internal sealed record Checkpoint(string Path, IReadOnlyDictionary<string, string> Metadata, IReadOnlyList<NamedTensor> Tensors);
