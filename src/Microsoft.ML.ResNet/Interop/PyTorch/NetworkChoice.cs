using System.Text.RegularExpressions;
using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Interop.PyTorch;

/// <summary>
/// Which of several networks in a file is meant, by the keys of their state dictionaries or the prefixes of their names. Plain weights go
/// before their moving average, and the names that training scripts use before others; what that does not settle, the user must say.
/// </summary>
internal static partial class NetworkChoice
{
    private static readonly string[] UsualKeys =
        ["", "state_dict", "net", "model", "model_state_dict", "model_state", "network", "module", "weights"];

    /// <summary>The index of the network that is meant.</summary>
    /// <param name="keys">One or more; <c>a/b</c> lies under the key b of what lies under the key a.</param>
    /// <param name="wanted">The user's word; <see langword="null"/> where there is none.</param>
    /// <exception cref="WeightsFormatException">None is <paramref name="wanted"/>, or several could be meant.</exception>
    public static int Choose(IReadOnlyList<string> keys, string? wanted)
    {
        if (wanted is not null)
            return Find(key => key == wanted) ?? Find(key => Means(wanted, key)) ?? throw Unknown(wanted, keys);
        var plain = Enumerable.Range(0, keys.Count).Where(index => !IsAverage().IsMatch(keys[index])).ToList();
        var candidates = plain.Count > 0 ? plain : [.. Enumerable.Range(0, keys.Count)];
        if (candidates is [var only])
            return only;
        foreach (var usual in UsualKeys)
            if (candidates.Where(index => keys[index] == usual).ToList() is [var found])
                return found;
        throw PyTorchFile.Error("the objects",
            $"expected the weights of one network, found those of several: {UntrustedText.List(keys)}. Choose one with StateDictKey");

        int? Find(Func<string, bool> isIt)
            => Enumerable.Range(0, keys.Count).Where(index => isIt(keys[index])).Cast<int?>().FirstOrDefault();
    }

    /// <summary>Whether a user's word means a key: the whole of it, or its last part.</summary>
    public static bool Means(string wanted, string? key)
        => key is not null && (key == wanted || key.EndsWith('/' + wanted, StringComparison.Ordinal)
            || key.EndsWith('.' + wanted, StringComparison.Ordinal));

    /// <summary>The error for a word that means none of the networks.</summary>
    public static WeightsFormatException Unknown(string wanted, IEnumerable<string> keys)
        => PyTorchFile.Error("the objects", $"expected the weights of a network {UntrustedText.Quote(wanted)}, as StateDictKey says, found "
            + $"{UntrustedText.List(keys.Where(key => key.Length > 0))}");

    [GeneratedRegex("(?<![a-z])ema(?![a-z])|averag|shadow", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex IsAverage();
}
