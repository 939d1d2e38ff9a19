using System.CommandLine;
using System.CommandLine.Invocation;
using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Samples.Output;
using Samples.Runs;

namespace Samples.CommandLine;

/// <summary>
/// What all verbs share: <c>--json</c>, Ctrl+C, errors as one line, and exit codes (0 done, 1 failed as the message on standard error
/// says, 2 wrong usage, 130 cancelled).
/// </summary>
internal static class Runner
{
    private const int Failed = 1, WrongUsage = 2, Cancelled = 130;

    private static readonly Option<bool> Json = new("--json")
    {
        Description = "End with one line of JSON, for machines.",
        Recursive = true
    };

    // a loss may be NaN
    private static readonly JsonSerializerOptions JsonFormat =
        new() { NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    /// <summary>How long Ctrl+C waits for the batch in flight before the process is ended.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Parses the command line and runs the verb that it names.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(RootCommand root, string[] args)
    {
        root.Options.Add(Json);
        var parsed = root.Parse(args);
        try
        {
            if (OptionsFile.Of(parsed) is { } file)
                parsed = root.Parse(OptionsFile.Expand(args, parsed, file));
        }
        catch (Exception exception) when (ExpectedErrors.Explains(exception))
        {
            Display.Error(ExpectedErrors.OneLine(exception));
            return exception is InvalidDataException ? WrongUsage : Failed;
        }
        if (parsed.Action is ParseErrorAction wrong)
            wrong.ShowHelp = false; // the error alone; the verb's --help tells the rest
        var exitCode = await parsed.InvokeAsync(new() { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = Patience });
        return parsed.Action is ParseErrorAction ? WrongUsage : exitCode;
    }

    /// <summary>Whether somebody wants the line of JSON at the end.</summary>
    public static bool WantsJson(this ParseResult parsed) => parsed.GetValue(Json);

    /// <summary>Gives a command its work.</summary>
    /// <param name="command">The verb.</param>
    /// <param name="work">Does it; what it returns is printed under <c>--json</c>, with the seconds that it took.</param>
    /// <param name="exitCode">The exit code that a result means, for verbs that answer a question; 0 without it.</param>
    public static void SetWork(this Command command, Func<ParseResult, Display, CancellationToken, JsonObject> work,
        Func<JsonObject, int>? exitCode = null)
    {
        foreach (var option in command.Options.Where(option => option.ValueType == typeof(string)))
            option.Validators.Add(given =>
            {
                if (given.Tokens.Any(token => string.IsNullOrWhiteSpace(token.Value)))
                    given.AddError($"{option.Name} is empty; expected {option.HelpName}.");
            });
        // On another thread, because System.CommandLine begins to listen for Ctrl+C when this call returns.
        command.SetAction((parsed, cancellation) => Task.Run(() => Run(work, exitCode, parsed, cancellation), CancellationToken.None));
    }

    private static int Run(Func<ParseResult, Display, CancellationToken, JsonObject> work, Func<JsonObject, int>? exitCode,
        ParseResult parsed, CancellationToken cancellation)
    {
        var display = new Display();
        var clock = Stopwatch.StartNew();
        try
        {
            var result = work(parsed, display, cancellation);
            result["seconds"] = Math.Round(clock.Elapsed.TotalSeconds, 3);
            if (parsed.WantsJson())
                display.Line(result.ToJsonString(JsonFormat));
            return exitCode?.Invoke(result) ?? 0;
        }
        catch (Exception exception) when (cancellation.IsCancellationRequested
            && ExpectedErrors.Cause(exception) is OperationCanceledException)
        {
            Display.Error("Cancelled.");
            return Cancelled;
        }
        catch (Exception exception) when (ExpectedErrors.Explains(exception))
        {
            Display.Error(ExpectedErrors.OneLine(exception));
            return Failed;
        }
    }
}
