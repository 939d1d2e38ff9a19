namespace Microsoft.ML.ResNet.Interop.PyTorch;

/// <summary>What an allowed global of a pickle does when the pickle calls it.</summary>
/// <param name="arguments">The elements of the tuple it is called with; untrusted.</param>
/// <param name="error">Makes the exception for arguments that do not fit, out of a problem such as <c>expected a storage</c>.</param>
/// <returns>One of the kinds of object that <see cref="PickleReader"/> lists, or one of the caller's own.</returns>
internal delegate object? PickleCall(object?[] arguments, Func<string, WeightsFormatException> error);

/// <summary>A global that a pickle may name.</summary>
/// <param name="FullName">Module and name, as in <c>collections.OrderedDict</c>.</param>
/// <param name="Call">Our stand-in for the Python function; <see langword="null"/> when it is only ever passed on.</param>
internal sealed record PickleGlobal(string FullName, PickleCall? Call = null)
{
    /// <inheritdoc/>
    public override string ToString() => FullName;
}

/// <summary>A Python dictionary: keys in the order in which they were first set. Keys are texts and integers.</summary>
internal sealed class PickleDictionary
{
    private OrderedDictionary<object, object?>? _items; // created late: a hostile file can ask for millions of empty ones

    /// <summary>The keys and values in order.</summary>
    public IEnumerable<KeyValuePair<object, object?>> Items => _items ?? [];

    /// <summary>How many keys there are.</summary>
    public int Count => _items?.Count ?? 0;

    /// <summary>The value of a textual key; <see langword="null"/> when it is absent, or None.</summary>
    public object? this[string key] => _items is not null && _items.TryGetValue(key, out var value) ? value : null;

    /// <summary>Sets a value; a key that is there keeps its place.</summary>
    /// <returns><see langword="false"/> when the key is neither a text nor an integer.</returns>
    public bool TrySet(object? key, object? value)
    {
        if (key is not (string or long))
            return false;
        _items ??= new(KeyComparer.Instance);
        _items[key] = value;
        return true;
    }

    /// <summary>
    /// Hashes integers with the process's random seed, as .NET does for texts, so that a file cannot choose keys that collide.
    /// </summary>
    private sealed class KeyComparer : IEqualityComparer<object>
    {
        public static readonly KeyComparer Instance = new();

        public new bool Equals(object? x, object? y) => object.Equals(x, y);

        public int GetHashCode(object key) => key is long number ? HashCode.Combine((int)number, (int)(number >> 32)) : key.GetHashCode();
    }
}
