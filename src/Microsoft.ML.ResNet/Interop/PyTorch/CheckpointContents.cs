using System.Text.RegularExpressions;
using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Interop.PyTorch;

/// <summary>A state dictionary among the objects of a file.</summary>
/// <param name="Key">Where it lies: the keys that lead to it, with <c>/</c> between them; empty for the whole of the file.</param>
/// <param name="Entries">Its tensors.</param>
internal sealed record PickledState(string Key, IReadOnlyList<(string Name, PickledTensor Tensor)> Entries);

/// <summary>
/// Finds the state dictionaries in what a file holds: dictionaries of tensors under textual names, a few levels deep, and modules that
/// were pickled whole or by TorchScript, whose objects hold their tensors in attributes. What else lies beside or among the tensors
/// (arguments, counters, schedulers) is passed over.
/// </summary>
internal static partial class CheckpointContents
{
    private const int MaximumDepth = 4; // of keys before a state dictionary
    private const int MaximumModuleDepth = 32;
    private const int MaximumNameLength = 500;
    private const int MaximumMembers = 1_000_000; // of a model: a small file can put the same child into many places

    /// <summary>Lists the state dictionaries; those with convolutions, if any has.</summary>
    /// <exception cref="WeightsFormatException">There is none; the message tells what there is.</exception>
    public static IReadOnlyList<PickledState> Find(object? root)
    {
        var states = new List<PickledState>();
        Collect(root, "", 0, states, new HashSet<object>(ReferenceEqualityComparer.Instance));
        if (states.Count == 0)
            throw PyTorchFile.Error("the objects",
                "expected a dictionary of tensors (a state_dict), or a checkpoint or a model that holds one; found " + Describe(root));
        var withConvolutions = states.Where(state => state.Entries.Any(entry => entry.Tensor.Shape.Length == 4)).ToList();
        return withConvolutions.Count > 0 ? withConvolutions : states;
    }

    private static void Collect(object? value, string key, int depth, List<PickledState> states, HashSet<object> seen)
    {
        if (value is not (PickleDictionary or PickleObject) || depth > MaximumDepth || !seen.Add(value))
            return;
        if (value is PickleObject { State: { } attributes } module && IsModule(module, attributes))
        {
            var entries = new List<(string, PickledTensor)>();
            var left = MaximumMembers;
            AddModule(module, "", 0, entries, ref left);
            if (entries.Count > 0)
                states.Add(new(key, entries));
            return;
        }
        foreach (var dictionary in Dictionaries(value))
        {
            var tensors = dictionary.Items.Where(item => item is { Key: string, Value: PickledTensor })
                .Select(item => ((string)item.Key, (PickledTensor)item.Value!)).ToList();
            if (tensors.Count > 0)
                states.Add(new(key, tensors));
            foreach (var (name, item) in dictionary.Items)
                if (item is PickleDictionary or PickleObject && name is string { Length: <= MaximumNameLength } text && !IsOptimizer(text))
                    Collect(item, key.Length == 0 ? text : $"{key}/{text}", depth + 1, states, seen);
        }
    }

    /// <summary>
    /// Whether a key is an optimizer's, which keeps tensors of the same shapes as the weights: <c>optimizer</c>,
    /// <c>optimizer_state_dict</c>, <c>optimizer_states</c>, <c>optim</c>, <c>g_optim</c>, <c>optimizerG</c>, <c>opt_state</c>. A network
    /// may be called <c>optimus</c>.
    /// </summary>
    private static bool IsOptimizer(string key) => OptimizerWord.IsMatch(key);

    private static IEnumerable<PickleDictionary> Dictionaries(object value) => value switch
    {
        PickleDictionary dictionary => [dictionary],
        PickleObject { State: { } state, Items: { } items } => [items, state],
        PickleObject { State: { } state } => [state],
        PickleObject { Items: { } items } => [items],
        _ => [],
    };

    private static bool IsModule(PickleObject module, PickleDictionary attributes)
        => attributes["_modules"] is PickleDictionary || IsScript(module);

    private static bool IsScript(PickleObject module)
        => module.Type.StartsWith("__torch__.", StringComparison.Ordinal);

    // torch.nn.Module keeps its tensors and children in three dictionaries, TorchScript each in an attribute of its own.
    private static void AddModule(PickleObject module, string prefix, int depth, List<(string, PickledTensor)> entries,
        ref int left)
    {
        if (depth > MaximumModuleDepth || module.State is not { } attributes)
            return;
        PickleDictionary?[] members = IsScript(module)
            ? [attributes]
            : [attributes["_parameters"] as PickleDictionary, attributes["_buffers"] as PickleDictionary,
                attributes["_modules"] as PickleDictionary];
        foreach (var (key, value) in members.OfType<PickleDictionary>().SelectMany(dictionary => dictionary.Items))
        {
            if (--left < 0)
                throw PyTorchFile.Error("the objects", $"expected a model of at most {MaximumMembers} members, found more");
            if (value is not (PickledTensor or PickleObject) || key is not string name
                || prefix.Length + name.Length > MaximumNameLength)
                continue;
            if (value is PickledTensor tensor)
                entries.Add((prefix + name, tensor));
            else if (value is PickleObject child)
                AddModule(child, $"{prefix}{name}.", depth + 1, entries, ref left);
        }
    }

    [GeneratedRegex("((?<![A-Za-z])[Oo]|(?<=[a-z])O)pt(im(i[sz]ers?)?)?(?![a-z])|(?<![A-Z])OPTIM(I[SZ]ER)?(?![A-Z])",
        RegexOptions.CultureInvariant)]
    private static partial Regex OptimizerWord { get; }

    private static string Describe(object? root) => root switch
    {
        PickleDictionary dictionary => $"the keys {UntrustedText.List(dictionary.Items.Select(item => item.Key.ToString()!))}",
        PickleObject { State: null, Items: null } found => $"an object of {UntrustedText.Quote(found.Type)}, which is not created and "
            + "whose code is not run",
        PickleObject found => $"an object of {UntrustedText.Quote(found.Type)} with the attributes "
            + UntrustedText.List(Dictionaries(found).SelectMany(part => part.Items).Select(item => item.Key.ToString()!)),
        PickledTensor => "one tensor without a name",
        _ => "another object",
    };
}
