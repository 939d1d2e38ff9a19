using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Interop.PyTorch;

/// <summary>
/// The globals that tensors in a PyTorch file are made of, and what each means here. All others are names without a meaning.
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

    private static readonly Dictionary<string, ElementType> StorageTypes = StorageNames.ToDictionary(pair => "torch." + pair.Value,
        pair => pair.Key);

    /// <summary>The stand-ins by full name.</summary>
    public static IReadOnlyDictionary<string, PickleGlobal> All { get; } = new PickleGlobal[]
    {
        new("collections", "OrderedDict", CreateDictionary),
        new("torch._utils", "_rebuild_tensor", RebuildTensor),
        new("torch._utils", "_rebuild_tensor_v2", RebuildTensor),
        new("torch._utils", "_rebuild_parameter", RebuildParameter),
        new("torch._utils", "_rebuild_parameter_with_state", RebuildParameter),
        new("torch._tensor", "_rebuild_from_type_v2", RebuildFromType),
        new("torch._tensor", "_rebuild_from_type", RebuildFromType),
    }
    .Concat(StorageNames.Values.Select(name => new PickleGlobal("torch", name)))
    .ToDictionary(global => global.FullName, StringComparer.Ordinal);

    /// <summary>No globals, for the pickles around the one that holds the weights.</summary>
    public static IReadOnlyDictionary<string, PickleGlobal> None { get; } = new Dictionary<string, PickleGlobal>();

    /// <summary>The class of PyTorch, in module <c>torch</c>, whose storages hold elements of a type.</summary>
    public static string StorageName(ElementType type) => StorageNames[type];

    /// <summary>
    /// Understands the tuple that stands for a storage: <c>('storage', class, key, device, count)</c>, in old files with a sixth element,
    /// None. The device it was on is ignored. <see langword="null"/>: it stands for something else, such as a storage of complex numbers,
    /// or the source of a class (<c>('module', class, file, text)</c>, in old files).
    /// </summary>
    public static PickledStorage? ParseStorage(object?[] identity, Func<string, WeightsFormatException> error)
    {
        if (identity is ["module", ..])
            return null;
        if (identity is not ["storage", PickleGlobal type, string key, _, long count, .. var view] || view is not ([] or [null]))
            throw error("expected a storage: its class, key, device and count");
        if (!StorageTypes.TryGetValue(type.FullName, out var elementType))
            return null;
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
            if (pair is not (List<object?> or object?[]) || pair is not IList<object?> { Count: 2 } keyAndValue)
                throw error("expected pairs of a key and a value");
            dictionary.Set(keyAndValue[0], keyAndValue[1]);
        }
        return dictionary;
    }

    /// <summary>
    /// Storage, offset, shape and strides; what follows in later versions (gradients, hooks) does not matter to the values.
    /// </summary>
    private static object RebuildTensor(object?[] arguments, Func<string, WeightsFormatException> error)
    {
        if (arguments is [PickleObject unknown, ..]) // of a type of numbers that we do not read
            return unknown;
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

    private static object RebuildParameter(object?[] arguments, Func<string, WeightsFormatException> error)
        => arguments is [PickledTensor or PickleObject, ..] ? arguments[0]! : throw error("expected a tensor");

    /// <summary>
    /// A tensor of a class of its own, such as fastai's: the function that makes it, the class, and the function's arguments.
    /// </summary>
    private static object? RebuildFromType(object?[] arguments, Func<string, WeightsFormatException> error) => arguments switch
    {
        [PickleGlobal { Call: { } call }, _, object?[] inner, ..] when call != RebuildFromType => call(inner, error), // never deeper
        [PickleGlobal or PickleObject, ..] => new PickleObject(arguments[0] as PickleGlobal),
        _ => throw error("expected a function, a class and arguments"),
    };

    private static Int128 LastElement(PickledTensor tensor) =>
        tensor.Shape.Zip(tensor.Strides).Aggregate((Int128)tensor.Offset, (last, pair) => last + (Int128)(pair.First - 1) * pair.Second);

    private static long[] Numbers(object?[] values, Func<string, WeightsFormatException> error) =>
        [.. values.Select(value => value is long and >= 0 ? (long)value : throw error("expected integers of 0 or more"))];
}
