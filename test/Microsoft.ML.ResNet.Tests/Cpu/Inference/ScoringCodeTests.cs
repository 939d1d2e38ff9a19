using System.Runtime.CompilerServices;
using Microsoft.ML.ResNet.Cpu.Inference;

namespace Microsoft.ML.ResNet.Tests.Cpu.Inference;

/// <summary>What is compiled while a model is being read.</summary>
[TestClass]
public class ScoringCodeTests
{
    [TestMethod]
    public void An_image_of_zeros_passes_a_network_of_zeros() => CollectionAssert.AreEqual(new float[2], ScoringCode.Score());

    [TestMethod]
    public async Task It_is_compiled_once_in_a_process()
    {
        await ScoringCode.CompileAhead();

        Assert.AreSame(ScoringCode.CompileAhead(), ScoringCode.CompileAhead());
        Assert.IsTrue(ScoringCode.CompileAhead().IsCompletedSuccessfully);
    }

    [TestMethod]
    public async Task Afterwards_little_is_left_to_compile()
    {
        if (!RuntimeFeature.IsDynamicCodeCompiled || Environment.ProcessorCount == 1)
            Assert.Inconclusive("Nothing is compiled ahead here.");
        await ScoringCode.CompileAhead();
        var before = System.Runtime.JitInfo.GetCompiledMethodCount(currentThread: true);

        ScoringCode.Score();

        Assert.IsLessThan(50, System.Runtime.JitInfo.GetCompiledMethodCount(currentThread: true) - before);
    }
}
