using System.Diagnostics;
using System.Text.Json.Nodes;
using Microsoft.ML.ResNet.Tests.Support;

namespace Microsoft.ML.ResNet.Tests.Samples;

/// <summary>What a run of the samples' command line left.</summary>
/// <param name="ExitCode">0 done, 1 failed, 2 wrong usage.</param>
/// <param name="Output">Standard output.</param>
/// <param name="Errors">Standard error.</param>
internal sealed record SampleRun(int ExitCode, string Output, string Errors)
{
    /// <summary>The line that <c>--json</c> ends with.</summary>
    public JsonNode Json => JsonNode.Parse(Output.TrimEnd().Split('\n')[^1])!;

    /// <summary>The lines on standard error.</summary>
    public string[] ErrorLines => Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}

/// <summary>Runs <c>src/Samples</c> in a process of its own, as a user does; this project's build builds it.</summary>
internal static class SampleProgram
{
    private static readonly string Program = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "Samples",
        Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory)), "resnet.dll"));

    /// <summary>Runs a verb to its end.</summary>
    public static SampleRun Run(params string[] arguments) => Run([], arguments);

    /// <summary>Runs a verb to its end, in a folder of its own.</summary>
    public static SampleRun RunIn(string folder, params string[] arguments) => Run([], folder, arguments);

    /// <summary>Runs a verb to its end, with some variables of its environment set.</summary>
    public static SampleRun Run((string Name, string Value)[] environment, params string[] arguments)
        => Run(environment, TestAssembly.TemporaryFolder, arguments);

    /// <summary>Starts a verb, whose output nobody reads.</summary>
    public static Process Start(params string[] arguments)
    {
        RequireProgram();
        return Process.Start(new ProcessStartInfo("dotnet", [Program, .. arguments])
        {
            WorkingDirectory = TestAssembly.TemporaryFolder,
            RedirectStandardOutput = true,
        })!;
    }

    private static void RequireProgram()
    {
        if (!File.Exists(Program))
            Assert.Inconclusive($"{Program} is not built; the tests run outside the repository.");
    }

    private static SampleRun Run((string Name, string Value)[] environment, string folder, string[] arguments)
    {
        RequireProgram();
        var start = new ProcessStartInfo("dotnet", [Program, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder
        };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new(process.ExitCode, output, errors.Result);
    }
}
