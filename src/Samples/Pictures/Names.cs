namespace Samples.Pictures;

/// <summary>Names in sentences.</summary>
internal static class Names
{
    private const int MostListed = 8;

    /// <summary>Names for a message: quoted, and cut after the first few.</summary>
    public static string List(IEnumerable<string> names)
    {
        var all = names.Distinct().ToList();
        var shown = string.Join(", ", all.Take(MostListed).Select(name => $"'{name}'"));
        return all.Count == 0 ? "nothing" : all.Count > MostListed ? $"{shown} and {all.Count - MostListed} more" : shown;
    }

    /// <summary>A number with what it counts, in the singular or the plural.</summary>
    public static string Count(int count, string one, string? many = null)
        => FormattableString.Invariant($"{count:n0} {(count == 1 ? one : many ?? one + "s")}");
}
