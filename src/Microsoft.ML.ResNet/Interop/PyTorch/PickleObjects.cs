namespace Microsoft.ML.ResNet.Interop.PyTorch;

/// <summary>What a known global of a pickle does when the pickle calls it.</summary>
/// <param name="arguments">The elements of the tuple it is called with; untrusted.</param>
/// <param name="error">Makes the exception for arguments that do not fit, out of a problem such as <c>expected a storage</c>.</param>
/// <returns>One of the kinds of object that <see cref="PickleReader"/> lists, or one of the caller's own.</returns>
internal delegate object? PickleCall(object?[] arguments, Func<string, WeightsFormatException> error);

/// <summary>A global that a pickle names: nothing but its name, and for the few that tensors need, a stand-in of ours.</summary>
/// <param name="Module">The module, as in <c>collections</c>.</param>
/// <param name="Name">The name in it, as in <c>OrderedDict</c>.</param>
/// <param name="Call">
/// Our stand-in for the Python function; <see langword="null"/> where there is none, and a call gives an opaque object.
/// </param>
internal sealed record PickleGlobal(string Module, string Name, PickleCall? Call = null)
{
    /// <summary>Module and name. Joined when asked: a hostile file can name millions of pairs of long texts.</summary>
    public string FullName => $"{Module}.{Name}";

    /// <inheritdoc/>
    public override string ToString() => FullName;
}

/// <summary>
/// What a pickle makes by a class or function that we do not know: an opaque object. Nothing is run for it; only the attributes and items
/// that the pickle gives it are kept, as a model's weights may lie there.
/// </summary>
/// <param name="global">The class or function; <see langword="null"/> where it is itself the result of a call.</param>
internal sealed class PickleObject(PickleGlobal? global)
{
    /// <summary>Its class or function, as in <c>argparse.Namespace</c>.</summary>
    public string Type => global?.FullName ?? "an unknown class";

    /// <summary>Its attributes; <see langword="null"/> where it got none by name.</summary>
    public PickleDictionary? State { get; set; }

    /// <summary>Its items, if it is a kind of dictionary; <see langword="null"/> where it got none.</summary>
    public PickleDictionary? Items { get; set; }
}

/// <summary>
/// A Python dictionary: keys in the order in which they were first set. Keys are texts and integers; items under other keys are dropped.
/// </summary>
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
    public void Set(object? key, object? value)
    {
        if (key is not (string or long))
            return;
        _items ??= new(KeyComparer.Instance);
        _items[key] = value;
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
