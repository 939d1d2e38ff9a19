using System.Runtime.InteropServices;
using Microsoft.ML.ResNet.Augmentation;
using Microsoft.ML.ResNet.Tests.Support;
using Microsoft.ML.ResNet.Training;
using TorchSharp;

namespace Microsoft.ML.ResNet.Tests.Training;

/// <summary>Too little memory is an error that says what to change.</summary>
[TestClass]
public class OutOfMemoryTests
{
    private const string Cuda =
        "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 7.79 GiB of which 1.20 GiB is free. Of the "
        + "allocated memory 5.10 GiB is allocated by PyTorch, and 312.51 MiB is reserved by PyTorch but unallocated.\nException raised "
        + "from malloc at CUDACachingAllocator.cpp:1438";

    [TestMethod]
    [DataRow(512, null, "with 512 images at a time. Set MicroBatchSize to 256: the batch stays 512")]
    [DataRow(512, 100, "with 100 images at a time. Set MicroBatchSize to 50: the batch stays 512")]
    [DataRow(64, 100, "with 64 images at a time. Set MicroBatchSize to 32")]
    [DataRow(3, null, "with 3 images at a time. Take smaller images or a smaller network")]
    public void The_advice_is_half_of_what_was_too_much(int batchSize, int? microBatchSize, string expected)
        => StringAssert.Contains(
            OutOfMemory.Explain(new TorchException(Cuda),
                TrainingRecipe.Tutorial with { BatchSize = batchSize, MicroBatchSize = microBatchSize }), expected);

    [TestMethod]
    public void What_the_device_has_is_quoted_and_where_it_was_raised_is_not()
    {
        var advice = OutOfMemory.Explain(new TorchException(Cuda), TrainingRecipe.Tutorial)!;
        StringAssert.Contains(advice, "GPU 0 has a total capacity of 7.79 GiB of which 1.20 GiB is free.");
        Assert.DoesNotContain("CUDACachingAllocator", advice);
    }

    [TestMethod]
    [DataRow("CUDA error: out of memory")]
    [DataRow("[enforce fail at alloc_cpu.cpp:121] data. DefaultCPUAllocator: not enough memory: you tried to allocate 140737488355328 "
        + "bytes.")]
    [DataRow("cuDNN error: CUDNN_STATUS_ALLOC_FAILED")]
    [DataRow("std::bad_alloc")]
    public void Other_words_for_it_are_known(string message)
    {
        Assert.IsNotNull(OutOfMemory.Explain(new TorchException(message), TrainingRecipe.Tutorial));
        Assert.IsNull(OutOfMemory.Explain(new ArgumentException(message), TrainingRecipe.Tutorial), "a user's words for something else");
    }

    [TestMethod]
    public void DotNets_own_exceptions_are_known_whatever_they_say()
    {
        Assert.IsNotNull(OutOfMemory.Explain(new InsufficientMemoryException("Array dimensions exceeded"), TrainingRecipe.Tutorial));
        Assert.IsNotNull(OutOfMemory.ExplainBeforeTraining(new InsufficientMemoryException("")));
    }

    [TestMethod]
    [DataRow("The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 1")]
    [DataRow("CUDA error: an illegal memory access was encountered")]
    [DataRow("")]
    public void Other_errors_are_left_alone(string message)
        => Assert.IsNull(OutOfMemory.Explain(new TorchException(message), TrainingRecipe.Tutorial));

    [TestMethod]
    public void An_allocation_that_really_fails_in_training_is_explained_and_leaves_nothing_behind()
    {
        var ml = new MLContext(seed: 1);
        var options = TinyImages.Options(epochs: 1);
        options.Recipe = options.Recipe with { Augmentation = [new Insatiable()] };
        var data = ml.Transforms.Conversion.MapValueToKey("Label").Fit(TinyImages.View(ml, 40)).Transform(TinyImages.View(ml, 40));
        var trainer = ml.MulticlassClassification.Trainers.ResNet(options);
        var census = TensorCensus.Start();

        var error = Assert.ThrowsExactly<InvalidOperationException>(() => trainer.Fit(data));

        StringAssert.Contains(error.Message, "Training ran out of memory with 16 images at a time. Set MicroBatchSize to 8");
        StringAssert.Contains(error.Message, "The allocator says: ");
        Assert.IsNotNull(error.InnerException);
        census.AssertNoSurvivorsOfTraining(ResNetArchitecture.Cifar(8), networks: 1);
    }

    /// <summary>What TorchSharp throws, which is an <see cref="ExternalException"/>.</summary>
    private sealed class TorchException(string message) : ExternalException(message);

    /// <summary>Asks for more memory than any machine has.</summary>
    private sealed record Insatiable : ImageAugmentation
    {
        internal override torch.Tensor Apply(torch.Tensor images, AugmentationContext context) => torch.zeros(1L << 50);

        internal override IEnumerable<string> Problems() => [];
    }
}
