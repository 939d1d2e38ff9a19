using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Interop.PyTorch;

/// <summary>
/// What <c>torch.save</c> wrote before PyTorch 1.6: pickles of a magic number, a version, facts about the machine, the objects and the list
/// of storage keys; then for each key, in that order, the number of elements as an <c>int64</c> and the elements.
/// </summary>
/// <param name="stream">Seekable, at the first byte; stays open.</param>
internal sealed class PyTorchLegacy(Stream stream) : IPyTorchContainer
{
    private const long Version = 1001;
    private static readonly BigInteger Magic = BigInteger.Parse("1950a86a20f9469cfc6c", NumberStyles.HexNumber,
        CultureInfo.InvariantCulture);

    private readonly PickledStorages _storages = new();

    /// <summary>Whether a file begins like a pickle of protocol 2 to 5 that holds the magic number.</summary>
    public static bool Recognizes(ReadOnlySpan<byte> firstBytes) => firstBytes is [(byte)PickleOpcode.Proto, >= 2 and <= 5, ..];

    /// <inheritdoc/>
    public object? ReadObjects()
    {
        if (ReadPickle("the magic number") is not BigInteger magic || magic != Magic)
            throw PyTorchFile.Error("byte 0", "expected the magic number of torch.save, found another pickle");
        if (ReadPickle("the version") is not Version)
            throw PyTorchFile.Error("the version", $"expected version {Version} of the format, found another");
        if (ReadPickle("the facts about the machine") is not PickleDictionary facts || facts["little_endian"] is not true)
            throw PyTorchFile.Error("the facts about the machine", "expected little_endian to be True; another byte order is not read");
        return PickleReader.Read(new PickleInput(stream, "the objects"), PyTorchGlobals.All, _storages.Load);
    }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, byte[]> ReadStorages(IReadOnlyCollection<PickledStorage> storages)
    {
        var needed = storages.Select(storage => storage.Key).ToHashSet(StringComparer.Ordinal);
        var read = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var key in ReadKeys())
        {
            if (!seen.Add(key))
                throw PyTorchFile.Error($"storage {UntrustedText.Quote(key)}", "expected each storage once, found it twice");
            var storage = ReadCount(key);
            if (needed.Contains(key))
                read.Add(key, ReadData(storage));
            else
                Skip(storage);
        }
        if (read.Count < needed.Count)
            throw PyTorchFile.Error("the list of storages", $"expected all {needed.Count} storages of the weights, found {read.Count}");
        return read;
    }

    /// <summary>Nothing to do: the stream is the caller's.</summary>
    public void Dispose()
    {
    }

    private object? ReadPickle(string what) => PickleReader.Read(new PickleInput(stream, what), PyTorchGlobals.None);

    private IEnumerable<string> ReadKeys() => ReadPickle("the list of storages") is List<object?> keys && keys.All(key => key is string)
        ? keys.Cast<string>()
        : throw PyTorchFile.Error("the list of storages", "expected a list of keys, found another object");

    private PickledStorage ReadCount(string key)
    {
        var storage = _storages.Find(key)
            ?? throw PyTorchFile.Error("the list of storages", $"expected storages that a tensor uses, found {UntrustedText.Quote(key)}");
        if (!UntrustedBytes.TryRead(stream, sizeof(long), out var bytes, out var available))
            throw Error(storage, $"expected the number of elements in 8 bytes, found {available}");
        var count = BinaryPrimitives.ReadInt64LittleEndian(bytes);
        return count == storage.Count ? storage : throw Error(storage, $"expected {storage.Count} elements, found {count}");
    }

    private byte[] ReadData(PickledStorage storage) => UntrustedBytes.TryRead(stream, storage.Length, out var data, out var available)
        ? data
        : throw Error(storage, $"expected {storage.Length} bytes, found {available}");

    private void Skip(PickledStorage storage)
    {
        if (stream.Length - stream.Position < storage.Length)
            throw Error(storage, $"expected {storage.Length} bytes, found {stream.Length - stream.Position}");
        stream.Seek(storage.Length, SeekOrigin.Current);
    }

    private static WeightsFormatException Error(PickledStorage storage, string problem)
        => PyTorchFile.Error($"storage {UntrustedText.Quote(storage.Key)}", problem);
}
