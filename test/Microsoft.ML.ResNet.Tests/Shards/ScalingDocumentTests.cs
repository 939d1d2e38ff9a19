using System.CommandLine;
using System.Diagnostics;
using System.Text.RegularExpressions;
using Microsoft.ML.ResNet.Tests.Images;
using Samples.Verbs;

namespace Microsoft.ML.ResNet.Tests.Shards;

/// <summary>
/// The scripts and manifests of docs/scoring-at-scale.md, run with a <c>resnet</c> that writes down what it is asked for.
/// </summary>
[TestClass]
public partial class ScalingDocumentTests
{
    private const string FindArguments = """
        import sys, yaml
        job = yaml.safe_load(sys.stdin)
        assert (job["apiVersion"], job["kind"], job["spec"]["completionMode"]) == ("batch/v1", "Job", "Indexed"), job
        pod = job["spec"]["template"]["spec"]
        container = pod["containers"][0]
        assert container["command"] == ["sh", "-c"] and len(container["args"]) == 1, container
        assert f'/{job["spec"]["completions"]}"' in container["args"][0], "another number of parts than of pods"
        volumes = {volume["name"] for volume in pod["volumes"]}
        assert volumes == {mount["name"] for mount in container["volumeMounts"]}, volumes
        print(container["args"][0])
        """;

    [TestMethod]
    [Timeout(120_000)]
    public void The_scripts_ask_for_what_the_verbs_understand()
    {
        var asked = Fenced("bash").SelectMany(Commands).ToList();

        Assert.HasCount(8, asked);
        CollectionAssert.IsSubsetOf(new[] { "0/2", "1/2", "3/16" }, asked.SelectMany(words => words).ToArray());
        foreach (var words in asked)
            AssertUnderstood(words);
    }

    [TestMethod]
    [Timeout(120_000)]
    public void The_manifest_is_an_indexed_job_that_asks_for_what_the_verbs_understand()
    {
        var manifest = Fenced("yaml").Single();
        var (code, output, errors) = Start("python3", ["-c", FindArguments], manifest, []);
        if (errors.Contains("No module named 'yaml'", StringComparison.Ordinal))
            Assert.Inconclusive("No python3 with yaml on this machine; this test needs it.");
        Assert.AreEqual(0, code, errors);

        var words = Commands(output).Single();

        Assert.Contains("5/16", words);
        AssertUnderstood(words);
    }

    private static void AssertUnderstood(string[] words)
    {
        var root = new RootCommand("test") { Predict.Command(), Evaluate.Command(), Merge.Command() };
        var parsed = root.Parse(words);
        Assert.IsEmpty(parsed.Errors, $"{string.Join(' ', words)}: {string.Join(' ', parsed.Errors)}");
    }

    // What a script asks of 'resnet': a stand-in on the path writes its words down. Stand-ins of Slurm's commands run what they are given.
    private static IEnumerable<string[]> Commands(string script)
    {
        if (OperatingSystem.IsWindows())
            Assert.Inconclusive("The scripts are for bash.");
        var folder = ImageSamples.NewFolder();
        Stand("resnet", "printf '%s\\n' \"$@\" end >> \"$ASKED\"");
        Stand("srun", "shift; \"$@\"");
        Stand("sbatch", "while [ $# -gt 0 ]; do [ \"$1\" = --wrap ] && sh -c \"$2\"; shift; done; echo 7");
        var asked = Path.Combine(folder, "asked");
        var (code, _, errors) = Start("bash", ["-euo", "pipefail", "-c", script], "",
        [
            ("PATH", $"{folder}:{Environment.GetEnvironmentVariable("PATH")}"), ("ASKED", asked), ("SLURM_ARRAY_TASK_ID", "3"),
            ("SLURM_CPUS_PER_TASK", "4"), ("JOB_COMPLETION_INDEX", "5"),
        ]);
        Assert.AreEqual(0, code, errors);
        return [.. File.ReadAllText(asked).Split("\nend\n", StringSplitOptions.RemoveEmptyEntries).Select(words => words.Split('\n'))];

        void Stand(string name, string body)
        {
            var path = Path.Combine(folder, name);
            File.WriteAllText(path, $"#!/bin/sh\n{body}\n");
            if (!OperatingSystem.IsWindows())
                File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        }
    }

    private static IEnumerable<string> Fenced(string language)
    {
        var text = File.ReadAllText(Path.Combine(RepositoryRoot(), "docs", "scoring-at-scale.md"));
        return Fence().Matches(text).Where(match => match.Groups["language"].Value == language).Select(match => match.Groups["text"].Value);
    }

    private static (int Code, string Output, string Errors) Start(string program, string[] arguments, string input,
        (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, errors.Result);
    }

    private static string RepositoryRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "ResNetMlNet.sln")))
                return folder.FullName;
        throw new AssertInconclusiveException("The tests run outside the repository.");
    }

    [GeneratedRegex(@"^```(?<language>\w+)\n(?<text>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();
}
