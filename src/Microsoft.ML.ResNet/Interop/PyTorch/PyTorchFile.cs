using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Interop.PyTorch;

/// <summary>
/// Reads the weights in a file that <c>torch.save</c> wrote, in today's layout (<see cref="PyTorchZip"/>) or that of before 2020
/// (<see cref="PyTorchLegacy"/>), whatever its extension (<c>.pth</c>, <c>.pt</c>, <c>.th</c>, <c>.tar</c>). Such files are programs; none
/// of it is run, see <see cref="PickleReader"/>.
/// </summary>
internal static class PyTorchFile
{
    /// <summary>How messages call this kind of file.</summary>
    public const string FileKind = "PyTorch file";

    private const int MaximumCopies = 4;

    /// <summary>How many bytes tell a file's kind.</summary>
    public const int LongestMagic = 4;

    /// <summary>Whether a file begins like one of the two layouts.</summary>
    public static bool Recognizes(ReadOnlySpan<byte> firstBytes)
        => PyTorchZip.Recognizes(firstBytes) || PyTorchLegacy.Recognizes(firstBytes);

    /// <summary>Reads a file. Tensors that are views of a storage come out as contiguous tensors of their own.</summary>
    /// <param name="stream">Seekable; read from its start, and stays open.</param>
    /// <param name="key">
    /// The key of the state dictionary to read, where the file holds one of that key; elsewhere, and if it is <see langword="null"/>, the
    /// usual one is chosen.
    /// </param>
    /// <exception cref="WeightsFormatException">
    /// The file is damaged, or holds no state dictionary, or several of which none is usual.
    /// </exception>
    /// <exception cref="ArgumentException">The stream cannot seek.</exception>
    public static PyTorchCheckpoint Read(Stream stream, string? key = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (!stream.CanSeek)
            throw new ArgumentException("Expected a stream that can seek; copy it to a file or a MemoryStream first.", nameof(stream));
        using var container = Open(stream);
        var states = CheckpointContents.Find(container.ReadObjects());
        var keys = states.Select(found => found.Key).ToList();
        var chosen = NetworkChoice.Choose(keys, key is not null && keys.Exists(found => NetworkChoice.Means(key, found)) ? key : null);
        var state = states[chosen].Entries;
        var needed = state.Select(entry => entry.Tensor.Storage).DistinctBy(storage => storage.Key).ToList();
        CheckCopies(state.Select(entry => entry.Tensor), needed.Sum(storage => storage.Length));
        var storages = container.ReadStorages(needed);
        return new PyTorchCheckpoint([.. state.Select(entry => ToNamed(entry.Name, entry.Tensor, storages))],
            keys[chosen].Length == 0 ? null : keys[chosen], [.. keys.Where((_, index) => index != chosen)]);
    }

    /// <summary>The error for something wrong in a PyTorch file.</summary>
    internal static WeightsFormatException Error(string place, string problem, Exception? innerException = null) =>
        new(FileKind, place, problem, innerException);

    private static IPyTorchContainer Open(Stream stream)
    {
        var firstBytes = new byte[LongestMagic];
        stream.Position = 0;
        var count = stream.ReadAtLeast(firstBytes, firstBytes.Length, throwOnEndOfStream: false);
        stream.Position = 0;
        if (PyTorchZip.Recognizes(firstBytes))
            return new PyTorchZip(stream);
        if (PyTorchLegacy.Recognizes(firstBytes))
            return new PyTorchLegacy(stream);
        throw Error("byte 0",
            "expected a zip archive (50 4B 03 04) or a pickle (80 02), found "
            + $"{(count == 0 ? "an empty file" : Convert.ToHexString(firstBytes, 0, count))}");
    }

    /// <summary>Views that are not contiguous are copied; a small file could ask for endless copies of one storage.</summary>
    private static void CheckCopies(IEnumerable<PickledTensor> tensors, long storageLength)
    {
        var copied = tensors.Where(tensor => !tensor.IsContiguous).Sum(tensor => (long)tensor.Length);
        if (copied > MaximumCopies * storageLength)
            throw Error("the objects",
                $"expected views of storages that take at most {MaximumCopies} times their {storageLength} bytes when copied, found "
                + $"{copied} bytes");
    }

    private static NamedTensor ToNamed(string name, PickledTensor tensor, IReadOnlyDictionary<string, byte[]> storages) =>
        new(name, tensor.Storage.Type, tensor.Shape, tensor.Read(storages[tensor.Storage.Key]));
}
