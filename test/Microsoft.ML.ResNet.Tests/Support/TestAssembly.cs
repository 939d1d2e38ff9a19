using Microsoft.ML.ResNet.Cpu.Inference;

[assembly: DoNotParallelize] // the tests share two cores with libtorch's own threads, and some count live tensors

namespace Microsoft.ML.ResNet.Tests.Support;

/// <summary>Work done once for all tests.</summary>
[TestClass]
public static class TestAssembly
{
    /// <summary>A folder that is deleted at the end; tests write below it.</summary>
    public static string TemporaryFolder { get; } = Directory.CreateTempSubdirectory("resnet-tests-").FullName;

    /// <summary>
    /// What is compiled ahead takes memory for a moment, which tests count. Not asynchronous: the tests stay on the thread that they began
    /// on.
    /// </summary>
    [AssemblyInitialize]
    public static void CompileAhead(TestContext _) => ScoringCode.CompileAhead().GetAwaiter().GetResult();

    [AssemblyCleanup]
    public static void DeleteTemporaryFolder() => Directory.Delete(TemporaryFolder, recursive: true);
}
