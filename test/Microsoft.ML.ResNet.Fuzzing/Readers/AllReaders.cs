namespace Microsoft.ML.ResNet.Fuzzing.Readers;

/// <summary>Every reader of untrusted bytes in the library.</summary>
public static class AllReaders
{
    /// <summary>The readers; their names are distinct.</summary>
    public static IReadOnlyList<FuzzTarget> Targets { get; } =
        [.. WeightReaders.All, .. OnnxReaders.All, .. ModelReaders.All, .. ImageReaders.All, .. DataSetReaders.All];

    /// <summary>The readers of some names.</summary>
    /// <param name="names">With commas between them; <c>all</c> for every one.</param>
    /// <exception cref="ArgumentException">There is none of a name.</exception>
    public static IReadOnlyList<FuzzTarget> Named(string names)
        => names == "all" ? Targets : [.. names.Split(',').Select(name => Targets.FirstOrDefault(target => target.Name == name)
            ?? throw new ArgumentException(
                $"There is no reader '{name}'; expected all, or some of {string.Join(", ", Targets.Select(target => target.Name))}."))];
}
