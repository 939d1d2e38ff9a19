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

        Assert.AreEqual(Environment.ProcessorCount > 1, ScoringCode.CompileAhead() != Task.CompletedTask);
        Assert.AreSame(ScoringCode.CompileAhead(), ScoringCode.CompileAhead());
        Assert.IsTrue(ScoringCode.CompileAhead().IsCompletedSuccessfully);
    }
}
