namespace Microsoft.ML.ResNet.Interop.PyTorch;

/// <summary>
/// A file in one of PyTorch's two layouts: objects in a pickle, and beside it the storages that the tensors among them look at.
/// </summary>
internal interface IPyTorchContainer : IDisposable
{
    /// <summary>Reads the objects; called first, once.</summary>
    object? ReadObjects();

    /// <summary>Reads storages; called second, once.</summary>
    /// <param name="storages">Those that are needed, as they occur in the objects; distinct.</param>
    /// <returns>Their bytes, little-endian, by key; each exactly as long as its storage.</returns>
    IReadOnlyDictionary<string, byte[]> ReadStorages(IReadOnlyCollection<PickledStorage> storages);
}
