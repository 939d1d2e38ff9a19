using System.CommandLine;

namespace Samples.CommandLine;

/// <summary>A command line as a shell takes it.</summary>
internal static class CommandText
{
    /// <summary>The command that was given.</summary>
    public static string Of(ParseResult parsed) => string.Join(' ', ["resnet", .. parsed.Tokens.Select(token => Quoted(token.Value))]);

    private static string Quoted(string word)
        => word.Length > 0 && word.All(letter => char.IsLetterOrDigit(letter) || "-_./,=:+@%#".Contains(letter, StringComparison.Ordinal))
            ? word
            : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
