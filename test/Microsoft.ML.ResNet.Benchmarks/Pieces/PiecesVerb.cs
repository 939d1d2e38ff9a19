using System.CommandLine;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.NoEmit;
using Microsoft.ML.ResNet;

/// <summary><c>bench pieces --filter '*BatchNorm*'</c>: BenchmarkDotNet on the small parts of a training.</summary>
internal static class PiecesVerb
{
    public static Command Verb()
    {
        var filter = new Option<string>("--filter") { Description = "Which to run, with * for anything.", DefaultValueFactory = _ => "*" };
        var verb = new Command("pieces", "Time and memory of the small parts of a training, by BenchmarkDotNet.") { filter };
        verb.SetAction(result =>
        {
            ResNetRuntime.EnsureStarted();
            BenchmarkSwitcher.FromAssembly(typeof(PiecesVerb).Assembly).Run(["--filter", result.GetValue(filter)!], Config());
        });
        return verb;
    }

    // In this process: a generated project would have to bring libtorch again, half a gigabyte for each benchmark.
    private static ManualConfig Config() => ManualConfig.Create(DefaultConfig.Instance)
        .AddJob(Job.ShortRun.WithToolchain(InProcessNoEmitToolchain.Instance))
        .AddDiagnoser(MemoryDiagnoser.Default)
        .WithOptions(ConfigOptions.DisableOptimizationsValidator)
        .WithArtifactsPath(Path.Combine(Path.GetTempPath(), "resnet-pieces"));
}
