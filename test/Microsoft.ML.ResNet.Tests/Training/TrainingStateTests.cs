using Microsoft.ML.ResNet.Data;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Network.Torch;
using Microsoft.ML.ResNet.Persistence;
using Microsoft.ML.ResNet.Tests.Support;
using Microsoft.ML.ResNet.Training;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Tests.Training;

/// <summary>The loop, stopped after any step and restored in another, from files.</summary>
[TestClass]
public class TrainingStateTests
{
    private const int Rows = 61, Epochs = 3; // 4 steps an epoch

    public static IEnumerable<object[]> Optimizers => [[new Sgd { Nesterov = true }], [new AdamW()]];

    [TestMethod]
    [DynamicData(nameof(Optimizers))]
    public void Restored_after_any_step_the_loop_ends_with_the_same_weights_and_history(Optimizer optimizer)
    {
        ResNetRuntime.EnsureStarted();
        using var images = Images();
        var uninterrupted = Run(optimizer, images, folder: null, stopAfterSteps: int.MaxValue)!;

        for (var steps = 1; steps < Epochs * 4; steps++)
        {
            var folder = Path.Combine(TestAssembly.TemporaryFolder, $"state-{Guid.NewGuid():n}");
            Assert.IsNull(Run(optimizer, images, folder, stopAfterSteps: steps), "it was stopped");
            var resumed = Run(optimizer, images, folder, stopAfterSteps: int.MaxValue)!;

            Assert.IsTrue(uninterrupted.Value.Weights.SequenceEqual(resumed.Value.Weights), $"weights, stopped after step {steps}");
            CollectionAssert.AreEqual(uninterrupted.Value.Losses, resumed.Value.Losses, $"losses, stopped after step {steps}");
        }
    }

    [TestMethod]
    [DataRow(9, 7)] // 144 pixels of 80 channels in a batch, which go by Winograd's tiles, and 112 in the last, which would not
    [DataRow(8, 8)] // 128 in a batch, whose weights are met block by block, and 80 in the last
    public void Restored_in_front_of_a_smaller_batch_the_loop_computes_as_before(int batchSize, int stepsOfEpoch)
    {
        ResNetRuntime.EnsureStarted();
        var architecture = ResNetArchitecture.Cifar(8) with { Stages = [new(16, 1, 1), new(80, 1, 2)] };
        using var images = Images();
        var uninterrupted = Run(new Sgd(), images, folder: null, stopAfterSteps: int.MaxValue, architecture, batchSize)!;
        var folder = Path.Combine(TestAssembly.TemporaryFolder, $"state-{Guid.NewGuid():n}");

        Assert.IsNull(Run(new Sgd(), images, folder, stopAfterSteps: 2 * stepsOfEpoch - 1, architecture, batchSize), "it was stopped");
        var resumed = Run(new Sgd(), images, folder, stopAfterSteps: int.MaxValue, architecture, batchSize)!;

        Assert.IsTrue(uninterrupted.Value.Weights.SequenceEqual(resumed.Value.Weights));
    }

    // Everything that changes during training, or null if it was stopped.
    private static (byte[] Weights, double[] Losses)? Run(Optimizer optimizer, PixelStore images, string? folder, int stopAfterSteps,
        ResNetArchitecture? architecture = null, int batchSize = 16)
    {
        var recipe = TrainingRecipe.Tutorial with
        {
            NumberOfEpochs = Epochs,
            BatchSize = batchSize,
            Optimizer = optimizer,
            WeightAverageDecay = 0.9,
            Mix = new Mixup(1),
            ClassBalance = ClassBalance.Balanced,
            Augmentation = [new RandomCrop(1), new HorizontalFlip { Alternating = true }]
        };
        using var network = new ResidualNetwork(architecture ?? ResNetArchitecture.Cifar(8), 3, 3);
        using (var generator = new Generator(1, CPU))
            WeightInitialization.Initialize(network, generator);
        var checkpoints = folder is null ? null : new CheckpointFolder(folder);
        var steps = 0;
        var events = new TrainingEvents(() => { }, copyState =>
        {
            if (++steps != stopAfterSteps)
                return;
            var state = copyState();
            checkpoints!.Write(state.OptimizerSteps, state.Metadata(), state.Tensors);
            throw new OperationCanceledException();
        }, (_, _) => { });

        var census = TensorCensus.Start();
        try
        {
            using var loop = new TrainingLoop(network, recipe, new Normalization([0.5f, 0.5f, 0.5f], [0.25f, 0.25f, 0.25f]),
                seed: 5, events);
            if (checkpoints?.ReadNewest(message => Assert.Fail(message)) is { } newest)
                loop.Restore(TrainingState.Read(newest.Metadata, newest.Tensors), CPU);
            var best = loop.Run(images, images);
            var all = best.Concat(loop.Save().Tensors).SelectMany(tensor => tensor.Data.ToArray()).ToArray();
            return (all,
                [.. loop.History.SelectMany(
                report => new[] { report.TrainLoss, report.TrainAccuracy, report.ValidationLoss!.Value, report.ValidationAccuracy!.Value,
                report.LearningRate })]);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
        finally
        {
            network.zero_grad(set_to_none: true);
            census.AssertNoSurvivors();
        }
    }

    private static PixelStore Images()
    {
        using var builder = new PixelStoreBuilder(TinyImages.Shape);
        foreach (var row in TinyImages.Rows(Rows))
        {
            row.Features.CopyTo(builder.NextImage);
            builder.Add(Array.IndexOf(TinyImages.Classes, row.Label));
        }
        return builder.Build();
    }
}
