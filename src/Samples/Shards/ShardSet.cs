using System.Globalization;

namespace Samples.Shards;

/// <summary>All shards of an output, in order.</summary>
internal sealed class ShardSet
{
    private const int MostNamed = 20;

    private ShardSet(IReadOnlyList<ShardFile> files) => Files = files;

    /// <summary>Their files, from shard 0 on.</summary>
    public IReadOnlyList<ShardFile> Files { get; }

    /// <summary>What they belong to.</summary>
    public ShardOrigin Origin => Files[0].Origin;

    /// <summary>Finds the shards of an output, checks each, and that they belong together and none is missing.</summary>
    /// <param name="output">The whole output, as it was named to each of them.</param>
    /// <exception cref="InvalidDataException">Shards are missing, there twice, damaged, or of different work.</exception>
    public static ShardSet Of(string output)
    {
        var found = ShardFile.Beside(output).ToList();
        if (found.Count == 0)
            throw Wrong($"There is no shard of '{output}'; expected files such as "
                + $"'{Path.GetFileName(ShardFile.PathOf(output, new(0, 2)))}' beside it, which 'predict' and 'evaluate' leave "
                + "with --shard.");
        var counts = found.Select(file => file.Of).Distinct().Order().ToList();
        if (counts.Count > 1)
            throw Wrong($"There are shards of {string.Join(" and of ", counts)} of '{output}'; expected one division. Delete the others.");
        if (found.GroupBy(file => file.Shard).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw Wrong($"Shard {twice.Key} is there twice: {string.Join(" and ", twice.Select(file => $"'{file.Path}'"))}. Delete one.");
        if (found.Find(file => file.Shard >= file.Of) is { Path: { } odd })
            throw Wrong($"'{odd}' is named as a shard that cannot be: they are counted from 0. Delete it.");
        if (found.Count < counts[0])
            throw Wrong($"Of '{output}', {counts[0] - found.Count} of {counts[0]} shards are missing: "
                + $"{Missing(found.Select(file => file.Shard), counts[0])}. Run the same command with --shard I/{counts[0]} for each of "
                + "them; those that are finished are kept.");
        var files = found.OrderBy(file => file.Shard).Select(file => Check(ShardFile.Open(file.Path), file.Shard, file.Of)).ToList();
        foreach (var file in files.Skip(1))
            if (files[0].Origin.DifferenceOf(file.Origin) is { } difference)
                throw Wrong($"'{file.Path}' does not belong with '{files[0].Path}': it is of {difference}. Delete the one that is wrong "
                    + "and run its shard again.");
        return new(files);
    }

    private static ShardFile Check(ShardFile file, int shard, int of) => (file.Origin.Shard, file.Origin.Of) == (shard, of)
        ? file
        : throw Wrong($"'{file.Path}' is shard {file.Origin.Part}, not {shard}/{of}: it was given another name. Delete it and run shard "
            + $"{shard}/{of}.");

    private static InvalidDataException Wrong(string message) => new(message);

    private static string Missing(IEnumerable<int> found, int of)
    {
        var missing = Enumerable.Range(0, of).Except(found).Take(MostNamed + 1).ToList(); // of a name that claims a billion, the first
        return string.Join(", ", missing.Take(MostNamed).Select(shard => shard.ToString(CultureInfo.InvariantCulture)))
            + (missing.Count > MostNamed ? " and more" : "");
    }
}
