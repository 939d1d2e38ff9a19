using Microsoft.ML.Runtime;
using TorchSharp;

namespace Microsoft.ML.ResNet.Tests.Conformance;

/// <summary>
/// The device is the one that was asked for, or an error or a warning tells why not. These tests are for machines without CUDA.
/// </summary>
[TestClass]
public class DeviceTests
{
    [TestInitialize]
    public void SkipWhereThereIsCuda()
    {
        if (torch.cuda.is_available())
            Assert.Inconclusive("This machine has a CUDA device.");
    }

    [TestMethod]
    public void Cuda_that_is_not_there_is_an_error_that_names_the_package()
    {
        var ml = new MLContext(seed: 1) { FallbackToCpu = false };
        var error = Assert.ThrowsExactly<InvalidOperationException>(() => Trainer(ml, ComputeDevice.Cuda).Fit(ImageRows.View(ml, 9)));
        StringAssert.Contains(error.Message, "TorchSharp-cuda-linux");
    }

    [TestMethod]
    public void Falling_back_to_the_CPU_is_a_warning()
    {
        var ml = new MLContext(seed: 1) { FallbackToCpu = true };
        var warnings = Warnings(ml);
        Trainer(ml, ComputeDevice.Cuda).Fit(ImageRows.View(ml, 9)).Dispose();
        Assert.HasCount(1, warnings);
        StringAssert.Contains(warnings[0], "No CUDA device was found; training on the CPU");
    }

    [TestMethod]
    public void Auto_takes_the_CPU_without_a_warning()
    {
        var ml = new MLContext(seed: 1);
        var warnings = Warnings(ml);
        Trainer(ml, ComputeDevice.Auto).Fit(ImageRows.View(ml, 9)).Dispose();
        Assert.IsEmpty(warnings);
    }

    private static ResNetTrainer Trainer(MLContext ml, ComputeDevice device)
        => ImageRows.Trainer(ml, change: options => options.Device = device);

    private static List<string> Warnings(MLContext ml)
    {
        var warnings = new List<string>();
        ml.Log += (_, e) =>
        {
            if (e.Kind == ChannelMessageKind.Warning)
                warnings.Add(e.RawMessage);
        };
        return warnings;
    }
}
