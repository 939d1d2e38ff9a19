using System.CommandLine;

namespace Samples.CommandLine;

/// <summary>Commands as a shell takes them, to be copied.</summary>
internal static class CommandText
{
    /// <summary>The command that this process was given.</summary>
    public static string Given => Of(Environment.GetCommandLineArgs().Skip(1));

    /// <summary>The command that was parsed.</summary>
    public static string Of(ParseResult parsed) => Of(parsed.Tokens.Select(token => token.Value));

    /// <summary>A command of this program; words with spaces and the like are put into quotes.</summary>
    /// <param name="words">What stands behind the program's name.</param>
    public static string Of(IEnumerable<string> words) => string.Join(' ', ["resnet", .. words.Select(Quoted)]);

    private static string Quoted(string word)
        => word.Length > 0 && word.All(letter => char.IsLetterOrDigit(letter) || "-_./,=:+@%#".Contains(letter, StringComparison.Ordinal))
            ? word
            : $"'{word.Replace("'", @"'\''", StringComparison.Ordinal)}'";
}
