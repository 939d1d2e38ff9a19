using System.Globalization;
using System.Numerics;
using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Interop.PyTorch;

/// <summary>
/// Finds the state dictionary in what a file holds. A state dictionary has tensors under textual names, at least one and nothing else. It
/// is the whole of the file, or lies in a checkpoint under one of the names that training scripts use.
/// </summary>
internal static class StateDictSearch
{
    private static readonly string[] UsualKeys = ["state_dict", "net", "model", "model_state_dict"];

    /// <summary>Finds the state dictionary, and the scalars beside it.</summary>
    /// <exception cref="WeightsFormatException">There is none; the message lists the keys there are.</exception>
    public static (IReadOnlyList<(string Name, PickledTensor Tensor)> State,
        IReadOnlyDictionary<string, string> Metadata) Find(object? root)
    {
        if (root is not PickleDictionary dictionary)
            throw PyTorchFile.Error("the objects",
                "expected a dictionary of tensors (a state_dict) or one that contains it, found another object");
        if (AsState(dictionary) is { } whole)
            return (whole, new Dictionary<string, string>());
        foreach (var key in UsualKeys)
        {
            if (AsState(dictionary[key]) is { } part)
                return (part, Scalars(dictionary));
        }
        throw PyTorchFile.Error(
            "the objects", $"expected a dictionary of nothing but tensors, or one under the key {string.Join(", ", UsualKeys)}; "
            + $"found the keys {UntrustedText.List(dictionary.Items.Select(item => item.Key.ToString()!))}");
    }

    private static List<(string, PickledTensor)>? AsState(object? value)
    {
        if (value is not PickleDictionary { Count: > 0 } dictionary)
            return null;
        var state = new List<(string, PickledTensor)>(dictionary.Count);
        foreach (var (key, item) in dictionary.Items)
        {
            if (key is not string name || item is not PickledTensor tensor)
                return null;
            state.Add((name, tensor));
        }
        return state;
    }

    private static Dictionary<string, string> Scalars(PickleDictionary dictionary) => dictionary.Items
        .Where(item => item.Key is string && item.Value is string or bool or long or BigInteger or double or PickleGlobal)
        .ToDictionary(item => (string)item.Key, item => Convert.ToString(item.Value, CultureInfo.InvariantCulture)!,
            StringComparer.Ordinal);
}
