namespace Samples.Planning;

/// <summary>Whether a mirror image still shows the same class, as far as the names of the classes tell.</summary>
internal static class Mirroring
{
    private static readonly string[] Sides = ["left", "right", "arrow", "letter", "sign"];

    /// <summary>
    /// Why pictures should not be mirrored: classes are named after sides, or each is a single letter or digit; <see langword="null"/>
    /// where nothing speaks against it.
    /// </summary>
    public static string? WhyNot(IReadOnlyList<string> classes)
    {
        if (classes.FirstOrDefault(name => Words(name).Any(word => Sides.Contains(word))) is { } sided)
            return $"'{sided}' would become something else";
        return classes.All(name => name.Length == 1) ? "letters and digits would become others" : null;
    }

    private static IEnumerable<string> Words(string name)
        => name.ToLowerInvariant().Split([' ', '_', '-', '.'], StringSplitOptions.RemoveEmptyEntries).Select(word => word.TrimEnd('s'));
}
