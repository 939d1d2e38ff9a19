using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.ML.ResNet.Foundation;
using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Persistence;

/// <summary>
/// The checkpoints of one training: safetensors files in a folder, numbered by step, of which the two newest are kept. A file appears
/// under its name only when it is whole (<see cref="SafeFile"/>). Only names as this class gives them are its own: whatever else a user
/// keeps in the folder is neither read nor deleted.
/// </summary>
/// <param name="folder">The folder; made when something is written.</param>
internal sealed partial class CheckpointFolder(string folder)
{
    private const string HashKey = "sha256";
    private const int Kept = 2;
    private const string LockName = ".resnet-training.lock";

    /// <summary>Whether there is any checkpoint.</summary>
    /// <exception cref="IOException">The folder cannot be read.</exception>
    public bool HasCheckpoints => NewestFirst(Files()).Count > 0;

    /// <summary>
    /// Takes the folder for one training. The system gives it back when the result is disposed or the process ends, however that ends: a
    /// file of that name which is left behind locks nothing.
    /// </summary>
    /// <param name="held">Keeps it; <see langword="null"/> where nothing can be written, and nobody can disturb anybody.</param>
    /// <returns>Whether no other training has it.</returns>
    public bool TryLock(out IDisposable? held)
    {
        held = null;
        try
        {
            Directory.CreateDirectory(folder);
            var path = Path.Combine(folder, LockName);
            do // once more where the last holder has just deleted the file that we had opened
            {
                held?.Dispose();
                held = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 1,
                    FileOptions.DeleteOnClose);
            }
            while (!File.Exists(path));
            return true;
        }
        catch (IOException e) when (IsInUse(e))
        {
            return false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return true; // WhyNotWritable tells about it
        }
    }

    /// <summary>Tries whether the folder can be written to.</summary>
    /// <returns>What keeps it from that; <see langword="null"/> if nothing does.</returns>
    public string? WhyNotWritable()
    {
        try
        {
            var files = FileOperations.Current;
            files.CreateFolder(folder);
            var probe = Path.Combine(folder, $"probe.{Guid.NewGuid():n}{SafeFile.Unfinished}");
            files.Create(probe, mode: null).Dispose();
            files.Delete(probe);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }

    /// <summary>Writes a checkpoint and removes all but the two newest, and what a process left that died while it wrote.</summary>
    /// <param name="step">Its number, of at most 12 digits; higher is newer.</param>
    /// <param name="metadata">Texts to keep beside the tensors.</param>
    /// <param name="tensors">The tensors.</param>
    /// <exception cref="IOException">
    /// The disk is full, or the folder cannot be written to. The checkpoints of before are untouched.
    /// </exception>
    /// <exception cref="UnauthorizedAccessException">The folder cannot be written to.</exception>
    public void Write(long step, IReadOnlyDictionary<string, string> metadata, IReadOnlyList<NamedTensor> tensors)
    {
        FileOperations.Current.CreateFolder(folder);
        Tidy(); // first: half a file on a full disk would keep it full
        var all = new Dictionary<string, string>(metadata) { [HashKey] = Hash(metadata, tensors) };
        var path = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"checkpoint-{step:d12}.safetensors"));
        SafeFile.Write(path, stream => Safetensors.Write(stream, tensors, all));
        Tidy(justWritten: path);
    }

    /// <summary>Reads the newest checkpoint that is whole.</summary>
    /// <param name="onDamaged">Told of each newer one that is not.</param>
    /// <returns>Its path and content; <see langword="null"/> if there is none.</returns>
    /// <remarks>
    /// Damaged is what its format or its checksum says. A file that cannot be opened or read says nothing about what is in it: it stays
    /// where it is, and no older one takes its place.
    /// </remarks>
    /// <exception cref="IOException">A file or the folder cannot be read; the message names it.</exception>
    /// <exception cref="UnauthorizedAccessException">A file or the folder must not be read.</exception>
    public Checkpoint? ReadNewest(Action<string> onDamaged)
    {
        foreach (var path in NewestFirst(Files()))
        {
            try
            {
                return Read(path);
            }
            catch (FormatException e)
            {
                onDamaged($"The checkpoint '{path}' is damaged and is passed over: {e.Message}");
                PutAside(path);
            }
            catch (IOException e)
            {
                throw new IOException($"The checkpoint '{path}' could not be read, and training has not begun. That says nothing about "
                    + $"what is in the file, which stays as it is; try again when it can be read. {e.Message}", e)
                { HResult = e.HResult };
            }
        }
        return null;
    }

    private static Checkpoint Read(string path)
    {
        using var stream = SafeFile.OpenRead(path);
        var tensors = Safetensors.Read(stream, out var metadata);
        return metadata.GetValueOrDefault(HashKey) == Hash(metadata, tensors)
            ? new Checkpoint(path, metadata, tensors)
            : throw new ModelFormatException("its content does not have the SHA-256 that it names");
    }

    // Under another name it neither counts as newest nor pushes out good ones; somebody may still want to look at it.
    private static void PutAside(string path)
    {
        try
        {
            FileOperations.Current.Rename(path, path + ".damaged");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A folder that cannot be written to: the file stays, and is passed over again next time.
        }
    }

    // EWOULDBLOCK of Linux and of macOS, ERROR_SHARING_VIOLATION of Windows.
    private static bool IsInUse(IOException error) => error.HResult is 11 or 35 or unchecked((int)0x80070020);

    // Removes what is ours and no longer needed. What cannot be removed now is removed with the next checkpoint.
    private void Tidy(string? justWritten = null)
    {
        try
        {
            var files = Files();
            var unfinished = files.Where(path => UnfinishedName.IsMatch(Path.GetFileName(path)));
            foreach (var path in unfinished.Concat(NewestFirst(files).Skip(Kept)).Where(path => path != justWritten))
                FileOperations.Current.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A checkpoint too many does no harm, and the one that was written is there.
        }
    }

    private static List<string> NewestFirst(IEnumerable<string> files)
        => [.. files.Where(path => CheckpointName.IsMatch(Path.GetFileName(path))).OrderDescending(StringComparer.Ordinal)];

    // Directory.Exists would say no to a folder that cannot be read just now, and training would begin anew.
    private IReadOnlyList<string> Files()
    {
        if (File.Exists(folder))
            return []; // WhyNotWritable tells about it
        try
        {
            return FileOperations.Current.List(folder);
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
    }

    [GeneratedRegex(@"^checkpoint-[0-9]{12}\.safetensors\z", RegexOptions.CultureInvariant)]
    private static partial Regex CheckpointName { get; }

    // The middle part is absent in what older versions left.
    [GeneratedRegex(@"^(checkpoint-[0-9]{12}\.safetensors|probe)(\.[0-9a-f]{32})?\.unfinished\z", RegexOptions.CultureInvariant)]
    private static partial Regex UnfinishedName { get; }

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
