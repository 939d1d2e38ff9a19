namespace Microsoft.ML.ResNet.Interop.PyTorch;

/// <summary>The storages that a pickle refers to, collected while it is read. A key must mean the same every time.</summary>
internal sealed class PickledStorages
{
    private readonly Dictionary<string, PickledStorage> _byKey = new(StringComparer.Ordinal);

    /// <summary>The storage with a key; <see langword="null"/> when nothing refers to it.</summary>
    public PickledStorage? Find(string key) => _byKey.GetValueOrDefault(key);

    /// <summary>Understands a reference to a storage: a <see cref="PickleCall"/> for <see cref="PickleReader"/>.</summary>
    public object? Load(object?[] identity, Func<string, WeightsFormatException> error)
    {
        if (PyTorchGlobals.ParseStorage(identity, error) is not { } storage)
            return new PickleObject(identity.ElementAtOrDefault(1) as PickleGlobal);
        if (!_byKey.TryGetValue(storage.Key, out var known))
            _byKey.Add(storage.Key, known = storage);
        else if (known != storage)
            throw error($"expected {storage} to be the same every time, found {known} before");
        return known;
    }
}
