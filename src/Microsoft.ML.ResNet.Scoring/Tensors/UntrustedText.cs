using System.Text;

namespace Microsoft.ML.ResNet.Tensors;

/// <summary>Names out of untrusted files, made fit for an error message or a log: one short line.</summary>
internal static class UntrustedText
{
    private const int MaximumLength = 100; // a mismatch of two shapes of four dimensions needs 92

    /// <summary>The text in quotes: control characters become <c>?</c>, and what follows the first 100 characters is cut off.</summary>
    public static string Quote(string text)
    {
        var quoted = new StringBuilder("'");
        foreach (var character in text.AsSpan(0, Math.Min(text.Length, MaximumLength)))
            quoted.Append(char.IsControl(character) || char.IsSurrogate(character) ? '?' : character);
        return quoted.Append(text.Length > MaximumLength ? "...'" : "'").ToString();
    }

    /// <summary>At most the first ten texts, each quoted; says how many more there are, or <c>none</c>.</summary>
    public static string List(IEnumerable<string> texts)
    {
        const int shown = 10;
        var all = texts.ToList();
        if (all.Count == 0)
            return "none";
        var list = string.Join(", ", all.Take(shown).Select(Quote));
        return all.Count <= shown ? list : $"{list} and {all.Count - shown} more";
    }
}
