using System.IO.Compression;
using System.IO.Hashing;
using System.Runtime.ExceptionServices;
using Microsoft.ML.ResNet.Foundation;
using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Interop.PyTorch;

/// <summary>
/// What <c>torch.save</c> writes since PyTorch 1.6: a zip archive with <c>NAME/data.pkl</c>, a file <c>NAME/data/KEY</c> for each storage,
/// and optionally <c>NAME/byteorder</c>. PyTorch does not compress; archives that someone packed again are read all the same.
/// </summary>
internal sealed class PyTorchZip : IPyTorchContainer
{
    private const string ObjectsFile = "data.pkl";
    private const int MaximumPickleLength = 256 << 20;
    private const int MaximumExpansion = 100;
    private const int ExpansionAllowance = 1 << 20; // bytes, for tiny archives of zeros

    private readonly ZipArchive _archive;
    private readonly Dictionary<string, ZipArchiveEntry> _entries = new(StringComparer.Ordinal);
    private readonly PickledStorages _storages = new();
    private readonly string _folder;
    private long _budget;

    /// <summary>Opens an archive.</summary>
    /// <param name="stream">Seekable; stays open.</param>
    public PyTorchZip(Stream stream)
    {
        _budget = ExpansionAllowance + MaximumExpansion * stream.Length;
        _archive = Guard("the directory of the archive", () => new ZipArchive(stream, ZipArchiveMode.Read, leaveOpen: true));
        foreach (var entry in Guard("the directory of the archive", () => _archive.Entries))
        {
            if (!_entries.TryAdd(entry.FullName, entry))
                throw PyTorchFile.Error($"entry {UntrustedText.Quote(entry.FullName)}",
                    "expected each name once in the archive, found it twice");
        }
        _folder = FindFolder();
    }

    /// <summary>Whether a file begins like a zip archive.</summary>
    public static bool Recognizes(ReadOnlySpan<byte> firstBytes) => firstBytes.StartsWith("PK\x03\x04"u8);

    /// <inheritdoc/>
    public object? ReadObjects()
    {
        if (_entries.TryGetValue(_folder + "byteorder", out var order) && !Read(order, order.Length).AsSpan().SequenceEqual("little"u8))
            throw PyTorchFile.Error("entry 'byteorder'", "expected little, found another byte order, which is not read");
        var entry = _entries[_folder + ObjectsFile];
        if (entry.Length > MaximumPickleLength)
            throw PyTorchFile.Error(ObjectsFile, $"expected at most {MaximumPickleLength} bytes, found {entry.Length}");
        var input = new PickleInput(new MemoryStream(Read(entry, entry.Length), writable: false), ObjectsFile);
        return PickleReader.Read(input, PyTorchGlobals.All, _storages.Load);
    }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, byte[]> ReadStorages(IReadOnlyCollection<PickledStorage> storages) =>
        storages.ToDictionary(storage => storage.Key, ReadStorage, StringComparer.Ordinal);

    /// <inheritdoc/>
    public void Dispose() => _archive.Dispose();

    private byte[] ReadStorage(PickledStorage storage)
    {
        if (!_entries.TryGetValue($"{_folder}data/{storage.Key}", out var entry))
            throw PyTorchFile.Error(ObjectsFile, $"expected a storage data/{UntrustedText.Quote(storage.Key)} in the archive, found none");
        return Read(entry, storage.Length);
    }

    private string FindFolder()
    {
        var names = _entries.Keys.Where(name => name == ObjectsFile || name.EndsWith("/" + ObjectsFile, StringComparison.Ordinal)).ToList();
        return names is [var name]
            ? name[..^ObjectsFile.Length]
            : throw PyTorchFile.Error("the directory of the archive",
                $"expected one {ObjectsFile}, which torch.save writes; found the entries {UntrustedText.List(_entries.Keys)}");
    }

    private byte[] Read(ZipArchiveEntry entry, long length)
    {
        var place = $"entry {UntrustedText.Quote(entry.FullName)}";
        if (entry.Length != length || length > UntrustedBytes.MaximumCount)
            throw PyTorchFile.Error(place, $"expected {length} bytes, found {entry.Length}");
        if ((_budget -= length) < 0)
            throw PyTorchFile.Error(place, $"expected the archive to unpack to at most {MaximumExpansion} times its size, found more");

        var (bytes, complete) = Guard(place, () => Unpack(entry, length));
        if (!complete)
            throw PyTorchFile.Error(place, $"expected {length} bytes, found a different number");
        if (Crc32.HashToUInt32(bytes) != entry.Crc32)
            throw PyTorchFile.Error(place, "the checksum differs from that in the archive: the bytes were changed or damaged");
        return bytes;
    }

    private static (byte[] Bytes, bool Complete) Unpack(ZipArchiveEntry entry, long length)
    {
        using var stream = entry.Open();
        var complete = UntrustedBytes.TryRead(stream, length, out var bytes, out _) && stream.ReadByte() < 0;
        return (bytes, complete);
    }

    /// <summary>Turns what .NET's zip reader says about damaged archives into our exception.</summary>
    private static T Guard<T>(string place, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (InvalidDataException e) when (DiskError.Behind(e) is { } error)
        {
            ExceptionDispatchInfo.Throw(error);
            throw;
        }
        catch (Exception e)
            when (e is InvalidDataException or EndOfStreamException or ArgumentException or NotSupportedException or OverflowException)
        {
            throw PyTorchFile.Error(place, $"expected a sound zip archive; {e.Message.TrimEnd('.')}", e);
        }
    }
}
