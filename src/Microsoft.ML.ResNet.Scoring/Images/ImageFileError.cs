namespace Microsoft.ML.ResNet.Images;

/// <summary>
/// The one way in which image files that cannot be used are reported: an <see cref="InvalidDataException"/> that says where, expected what,
/// found what.
/// </summary>
internal static class ImageFileError
{
    private const int MaxNamesListed = 8;

    /// <summary>The exception for a broken file.</summary>
    /// <param name="where">File and, where it applies, position in it.</param>
    /// <param name="expected">What should have been there.</param>
    /// <param name="found">What is there.</param>
    /// <param name="advice">What the reader of the message can do, as a sentence; optional.</param>
    /// <param name="inner">The cause; optional.</param>
    public static InvalidDataException Create(string where, string expected, string found, string? advice = null,
        Exception? inner = null) =>
        new($"{where}: expected {expected}, found {found}.{(advice is null ? "" : " " + advice)}", inner);

    /// <summary>
    /// Whether .NET's gzip and zip readers throw this for broken input. They share no exception type. Errors of the file
    /// system (access, sharing) are not among them: those pass through as they are.
    /// </summary>
    public static bool IsBrokenInput(Exception exception) =>
        exception is InvalidDataException or EndOfStreamException or FormatException or OverflowException
            or ArgumentException or InvalidOperationException or NotSupportedException;

    /// <summary>Names for a message: sorted, quoted, and cut after the first few.</summary>
    public static string List(IEnumerable<string> names)
    {
        var sorted = names.Distinct().Order(StringComparer.Ordinal).ToList();
        if (sorted.Count == 0)
            return "nothing";
        var shown = string.Join(", ", sorted.Take(MaxNamesListed).Select(name => $"'{name}'"));
        return sorted.Count > MaxNamesListed ? $"{shown} and {sorted.Count - MaxNamesListed} more" : shown;
    }
}
