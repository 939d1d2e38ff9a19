using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Samples.Runs;

/// <summary>
/// The options of a verb as a JSON file: <c>{ "path": "photos", "epochs": 5, "resume": true }</c>. Keys are options without their dashes,
/// <c>path</c> is what stands without an option; <see langword="null"/> is an option that is not given.
/// </summary>
internal static class OptionsFile
{
    /// <summary>The option that names such a file, on verbs that have it.</summary>
    public const string OptionName = "--config";

    private const string Path = "path";

    // What stands in the help for the name of a file or folder.
    private static readonly HashSet<string> PlaceWords = ["FILE", "PATH", "FOLDER", "DIR"];

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>The file that a command line names.</summary>
    public static string? Of(ParseResult parsed)
        => parsed.CommandResult.Command.Options.FirstOrDefault(option => option.Name == OptionName) is { } config
            && parsed.GetResult(config) is { Tokens: [var file, ..] }
            ? file.Value
            : null;

    /// <summary>Adds what a file says to a command line, which wins where both say something.</summary>
    /// <param name="args">The command line.</param>
    /// <param name="parsed">The same, parsed.</param>
    /// <param name="file">The file.</param>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="InvalidDataException">It is no such file, or has a key that is no option.</exception>
    public static string[] Expand(string[] args, ParseResult parsed, string file)
    {
        var command = parsed.CommandResult.Command;
        List<string> expanded = [.. args];
        foreach (var (key, value) in Read(file))
        {
            if (key == Path && command.Arguments is [var argument])
            {
                if (value is not null && !GivesArgument(parsed)
                    && !command.Options.Any(other => NamesTheData(other) && parsed.GetResult(other) is { Implicit: false }))
                    expanded.Add(Text(file, key, value!));
                continue;
            }
            var option = command.Options.FirstOrDefault(option => Key(option) == key)
                ?? throw Unknown(file, key, command);
            if (value is null || parsed.GetResult(option) is { Implicit: false } || NamesTheData(option) && GivesArgument(parsed))
                continue;
            var text = Text(file, key, value);
            if (option.ValueType == typeof(bool) && text is not ("true" or "false"))
                throw new InvalidDataException($"{file}: '{key}' is '{text}'; expected true or false.");
            if (option.ValueType != typeof(bool))
                expanded.AddRange([option.Name, text]);
            else if (text is "true")
                expanded.Add(option.Name);
        }
        return [.. expanded];
    }

    /// <summary>Writes the options of a verb.</summary>
    /// <param name="path">The file.</param>
    /// <param name="parsed">What was given.</param>
    /// <param name="without">Options that say nothing about the work.</param>
    /// <param name="known">What is known by now of options that nobody gave.</param>
    public static void Write(string path, ParseResult parsed, IEnumerable<Option> without, IReadOnlyDictionary<Option, string> known)
    {
        var command = parsed.CommandResult.Command;
        var file = new JsonObject();
        foreach (var argument in command.Arguments)
            file[Path] = parsed.GetResult(argument) is { Tokens: [var token, ..] } ? FullPath(token.Value) : null;
        foreach (var option in command.Options.Except(without))
            file[Key(option)] = parsed.GetResult(option) is { } result
                ? Value(option, result)
                : JsonValue.Create(known.GetValueOrDefault(option));
        File.WriteAllText(path, file.ToJsonString(Indented) + "\n");
    }

    private static JsonNode? Value(Option option, OptionResult result)
    {
        if (option.ValueType == typeof(bool))
            return result.GetValueOrDefault<bool>();
        var text = result.Tokens is [var token, ..] ? token.Value : option.HasDefaultValue ? $"{result.GetValueOrDefault<object?>()}" : "";
        if (text.Length == 0)
            return null;
        var words = option.HelpName?.Split('|') ?? [];
        if (words.Any(word => PlaceWords.Contains(word)) && !words.Contains(text))
            return FullPath(text);
        return long.TryParse(text, CultureInfo.InvariantCulture, out var number) ? number : text;
    }

    private static bool NamesTheData(Option option) => Key(option) == "data";

    private static bool GivesArgument(ParseResult parsed)
        => parsed.CommandResult.Command.Arguments is [var argument] && parsed.GetResult(argument) is { Tokens.Count: > 0 };

    // A file or folder is written with its full path, so that the options mean the same from elsewhere.
    private static string FullPath(string text)
    {
        var mark = System.IO.Path.Exists(text) ? -1 : text.LastIndexOf('#');
        var path = mark > 0 ? text[..mark] : text;
        return System.IO.Path.GetFullPath(path) + text[path.Length..];
    }

    private static JsonObject Read(string file)
    {
        try
        {
            return JsonNode.Parse(File.ReadAllText(file)) as JsonObject
                ?? throw new InvalidDataException($"{file}: expected a JSON object of options, found another value.");
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"{file}: expected a JSON object of options, found something else. {exception.Message}",
                exception);
        }
    }

    private static string Text(string file, string key, JsonNode value) => value switch
    {
        JsonArray list when list.All(item => item is JsonValue) => string.Join(',', list.Select(item => item!.ToString())),
        JsonValue => value.GetValueKind() is JsonValueKind.True or JsonValueKind.False
            ? value.ToString().ToLowerInvariant()
            : value.ToString(),
        _ => throw new InvalidDataException($"{file}: '{key}' is {value.GetValueKind()}; expected a text, a number, true, false or null."),
    };

    private static string Key(Option option) => option.Name.TrimStart('-');

    private static InvalidDataException Unknown(string file, string key, Command command)
    {
        var nearest = command.Options.Select(Key).Append(Path).MinBy(name => Distance(name, key.TrimStart('-').ToLowerInvariant()));
        return new($"{file}: '{key}' is no option of '{command.Name}'. Did you mean '{nearest}'?");
    }

    /// <summary>Levenshtein's distance: letters to add, leave out or change.</summary>
    private static int Distance(string one, string other)
    {
        var row = Enumerable.Range(0, other.Length + 1).ToArray();
        for (var i = 1; i <= one.Length; i++)
        {
            var (diagonal, left) = (row[0], row[0] = i);
            for (var j = 1; j <= other.Length; j++)
            {
                var cost = one[i - 1] == other[j - 1] ? diagonal : 1 + Math.Min(diagonal, Math.Min(row[j], left));
                diagonal = row[j];
                left = row[j] = cost;
            }
        }
        return row[^1];
    }
}
