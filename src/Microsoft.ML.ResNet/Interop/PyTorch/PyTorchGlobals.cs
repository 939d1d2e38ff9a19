using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Interop.PyTorch;

/// <summary>
/// The allow-list: every global that a PyTorch file with weights may name, and what it means here. It is what PyTorch's own
/// <c>weights_only</c> mode allows, as far as dense tensors of ordinary element types need it.
/// </summary>
internal static class PyTorchGlobals
{
    private const int MaximumRank = 64;

    private static readonly Dictionary<ElementType, string> StorageNames = new()
    {
        [ElementType.Bool] = "BoolStorage",
        [ElementType.UInt8] = "ByteStorage",
        [ElementType.Int8] = "CharStorage",
        [ElementType.Int16] = "ShortStorage",
        [ElementType.Int32] = "IntStorage",
        [ElementType.Int64] = "LongStorage",
        [ElementType.Float16] = "HalfStorage",
        [ElementType.BFloat16] = "BFloat16Storage",
        [ElementType.Float32] = "FloatStorage",
        [ElementType.Float64] = "DoubleStorage",
    };

    private static readonly string[] ValueNames =
    [
        // element types, as scalars of a checkpoint
        "bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64",
    ];

    private static readonly Dictionary<string, ElementType> StorageTypes = StorageNames.ToDictionary(pair => "torch." + pair.Value,
        pair => pair.Key);

    /// <summary>The allow-list by full name.</summary>
    public static IReadOnlyDictionary<string, PickleGlobal> All { get; } = new[]
    {
        new PickleGlobal("collections.OrderedDict", CreateDictionary),
        new PickleGlobal("torch._utils._rebuild_tensor", RebuildTensor),
        new PickleGlobal("torch._utils._rebuild_tensor_v2", RebuildTensor),
        new PickleGlobal("torch._utils._rebuild_parameter", RebuildParameter),
        new PickleGlobal("torch.Size", (arguments, error) => arguments is [object?[] sizes] ? sizes : throw error("expected a tuple")),
        new PickleGlobal("torch.device", (arguments, error) => arguments is [string kind, ..] ? kind : throw error("expected a text")),
    }
    .Concat(StorageTypes.Keys.Select(name => new PickleGlobal(name)))
    .Concat(ValueNames.Select(name => new PickleGlobal("torch." + name)))
    .ToDictionary(global => global.FullName, StringComparer.Ordinal);

    /// <summary>No globals, for the pickles around the one that holds the weights.</summary>
    public static IReadOnlyDictionary<string, PickleGlobal> None { get; } = new Dictionary<string, PickleGlobal>();

    /// <summary>The class of PyTorch, in module <c>torch</c>, whose storages hold elements of a type.</summary>
    public static string StorageName(ElementType type) => StorageNames[type];

    /// <summary>
    /// Understands the tuple that stands for a storage: <c>('storage', class, key, device, count)</c>, in old files with a sixth element,
    /// None. The device it was on is ignored.
    /// </summary>
    public static PickledStorage ParseStorage(object?[] identity, Func<string, WeightsFormatException> error)
    {
        if (identity is not ["storage", PickleGlobal type, string key, _, long count, .. var view] || view is not ([] or [null]))
            throw error("expected a storage: its class, key, device and count");
        if (!StorageTypes.TryGetValue(type.FullName, out var elementType))
            throw error($"expected a class of storages, found {type}");
        if (!TensorSize.TryGetByteCount(elementType, [count], out _))
            throw error($"expected a storage of at most {UntrustedBytes.MaximumCount} bytes, found {count} elements");
        return new PickledStorage(key, elementType, count);
    }

    /// <summary>Empty, as Python 3 writes it, or from a list of pairs, as Python 2 did.</summary>
    private static PickleDictionary CreateDictionary(object?[] arguments, Func<string, WeightsFormatException> error)
    {
        var dictionary = new PickleDictionary();
        if (arguments is [])
            return dictionary;
        if (arguments is not [List<object?> pairs])
            throw error("expected nothing or a list of pairs");
        foreach (var pair in pairs)
        {
            if (pair is not List<object?> { Count: 2 } keyAndValue || !dictionary.TrySet(keyAndValue[0], keyAndValue[1]))
                throw error("expected pairs of a key and a value");
        }
        return dictionary;
    }

    /// <summary>
    /// Storage, offset, shape and strides; what follows in later versions (gradients, hooks) does not matter to the values.
    /// </summary>
    private static PickledTensor RebuildTensor(object?[] arguments, Func<string, WeightsFormatException> error)
    {
        if (arguments is not [PickledStorage storage, long and >= 0 and var offset, object?[] sizes, object?[] steps, ..])
            throw error("expected a storage, an offset, a shape and strides");
        var tensor = new PickledTensor(storage, offset, Numbers(sizes, error), Numbers(steps, error));
        if (tensor.Shape.Length != tensor.Strides.Length || tensor.Shape.Length > MaximumRank)
            throw error($"expected at most {MaximumRank} dimensions with a stride each, found {tensor.Shape.Length} dimensions and "
                + $"{tensor.Strides.Length} strides");
        if (!TensorSize.TryGetByteCount(storage.Type, tensor.Shape, out _))
            throw error($"expected a tensor of at most {UntrustedBytes.MaximumCount} bytes, found the shape "
                + $"[{string.Join(", ", tensor.Shape)}]");
        if (!tensor.Shape.Contains(0) && LastElement(tensor) >= storage.Count)
            throw error($"expected a tensor inside its storage of {storage.Count} elements, found one that reaches element "
                + $"{LastElement(tensor)}");
        return tensor;
    }

    private static PickledTensor RebuildParameter(object?[] arguments, Func<string, WeightsFormatException> error) =>
        arguments is [PickledTensor tensor, ..] ? tensor : throw error("expected a tensor");

    private static Int128 LastElement(PickledTensor tensor) =>
        tensor.Shape.Zip(tensor.Strides).Aggregate((Int128)tensor.Offset, (last, pair) => last + (Int128)(pair.First - 1) * pair.Second);

    private static long[] Numbers(object?[] values, Func<string, WeightsFormatException> error) =>
        [.. values.Select(value => value is long and >= 0 ? (long)value : throw error("expected integers of 0 or more"))];
}
