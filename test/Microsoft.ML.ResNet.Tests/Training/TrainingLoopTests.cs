using Microsoft.ML.ResNet.Data;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Network.Torch;
using Microsoft.ML.ResNet.Tensors;
using Microsoft.ML.ResNet.Tests.Support;
using Microsoft.ML.ResNet.Training;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Tests.Training;

/// <summary>What the loop asks of memory.</summary>
[TestClass]
public class TrainingLoopTests
{
    private const int Rows = 40, BatchSize = 16, StepsPerEpoch = 3;

    [TestMethod]
    public void Validation_takes_no_more_images_at_a_time_than_the_pieces_of_training()
    {
        using var images = Images();
        using var counted = new CountedStore(images);

        Run(TrainingRecipe.Tutorial with { NumberOfEpochs = 1, BatchSize = BatchSize, MicroBatchSize = 7 }, images, counted);
        Assert.AreEqual(7, counted.MostAtATime);
        Assert.AreEqual(Rows, counted.Images);

        Run(TrainingRecipe.Tutorial with { NumberOfEpochs = 1, BatchSize = BatchSize }, images, counted);
        Assert.AreEqual(Rows, counted.MostAtATime);
    }

    [TestMethod]
    public void Native_garbage_is_collected_however_few_steps_an_epoch_has()
    {
        using var images = Images();
        const int epochs = 44, steps = epochs * StepsPerEpoch;

        var before = GC.CollectionCount(generation: 0);
        Run(TrainingRecipe.Tutorial with { NumberOfEpochs = epochs, BatchSize = BatchSize }, images, validation: null);

        Assert.IsGreaterThanOrEqualTo(steps / 32, GC.CollectionCount(generation: 0) - before);
    }

    [TestMethod]
    public void Every_step_counts_a_batch_where_batch_normalisation_learns()
    {
        using var images = Images();

        var weights = Run(TrainingRecipe.Tutorial with { NumberOfEpochs = 2, BatchSize = BatchSize }, images, validation: null,
            network => network.Freeze(1));

        foreach (var counter in weights.Where(tensor => tensor.Name.EndsWith(".num_batches_tracked", StringComparison.Ordinal)))
            Assert.AreEqual(counter.Name.StartsWith("bn1", StringComparison.Ordinal)
                || counter.Name.StartsWith("layer1", StringComparison.Ordinal) ? 0 : 2 * StepsPerEpoch,
                BitConverter.ToInt64(counter.Data.Span), counter.Name);
    }

    [TestMethod]
    [DataRow(null)]
    [DataRow(1)]
    public void Weights_are_copied_again_into_the_same_memory(int? frozenStages)
    {
        ResNetRuntime.EnsureStarted();
        using var network = new ResidualNetwork(ResNetArchitecture.Cifar(8), 3, 3);
        if (frozenStages is { } stages)
            network.Freeze(stages);
        var copy = new WeightCopy(network);
        var first = copy.Take();
        var copied = first.Select(tensor => tensor.Data.ToArray()).ToArray();
        using (no_grad())
            foreach (var (_, tensor) in StateDictionary.Learning(network))
                tensor.add_(1);

        var second = copy.Take();

        foreach (var (index, ((before, after), now)) in first.Zip(second).Zip(StateDictionary.Save(network)).Index())
        {
            Assert.AreEqual(network.IsFrozen(now.Name), copied[index].AsSpan().SequenceEqual(after.Data.Span), after.Name);
            Assert.IsTrue(before.Data.Equals(after.Data), $"{after.Name}: other memory");
            Assert.AreEqual(now.ToString(), after.ToString());
            CollectionAssert.AreEqual(now.Data.ToArray(), after.Data.ToArray(), after.Name);
        }
    }

    [TestMethod]
    public void A_state_that_was_saved_stays_as_it_was()
    {
        using var images = Images();
        var (states, copies) = (new List<TrainingState>(), new List<byte[][]>());

        Run(TrainingRecipe.Tutorial with { NumberOfEpochs = 3, BatchSize = BatchSize }, images, validation: null, afterEpoch: save =>
        {
            states.Add(save());
            copies.Add(Bytes(states[^1]));
        });

        Assert.HasCount(3, states);
        for (var epoch = 0; epoch < states.Count; epoch++)
        {
            Assert.IsNotEmpty(states[epoch].Group("best"));
            foreach (var (expected, actual) in copies[epoch].Zip(Bytes(states[epoch])))
                CollectionAssert.AreEqual(expected, actual, $"epoch {epoch + 1}");
        }

        static byte[][] Bytes(TrainingState state) => [.. state.Tensors.Select(tensor => tensor.Data.ToArray())];
    }

    private static IReadOnlyList<NamedTensor> Run(TrainingRecipe recipe, PixelStore train, PixelStore? validation,
        Action<ResidualNetwork>? change = null, Action<Func<TrainingState>>? afterEpoch = null)
    {
        using var network = new ResidualNetwork(ResNetArchitecture.Cifar(8), 3, 3);
        using (var generator = new Generator(1, CPU))
            WeightInitialization.Initialize(network, generator);
        change?.Invoke(network);
        var events = new TrainingEvents(() => { }, _ => { }, (_, save) => afterEpoch?.Invoke(save));
        using var loop = new TrainingLoop(network, recipe, new Normalization([0.5f, 0.5f, 0.5f], [0.25f, 0.25f, 0.25f]), seed: 1, events);
        return loop.Run(train, validation);
    }

    private static PixelStore Images()
    {
        ResNetRuntime.EnsureStarted();
        using var builder = new PixelStoreBuilder(TinyImages.Shape);
        foreach (var row in TinyImages.Rows(Rows))
        {
            row.Features.CopyTo(builder.NextImage);
            builder.Add(Array.IndexOf(TinyImages.Classes, row.Label));
        }
        return builder.Build();
    }

    /// <summary>Counts the images that are taken in order, as validation takes them.</summary>
    private sealed class CountedStore(PixelStore images) : PixelStore(images.Labels.clone(), weights: null)
    {
        public int MostAtATime { get; private set; }

        public int Images { get; private set; }

        public override long? BytesInMemory => images.BytesInMemory;

        public override Tensor PixelsOf(ArraySegment<long> rows) => images.PixelsOf(rows);

        public override Tensor PixelsOf(int first, int count)
        {
            (MostAtATime, Images) = (Math.Max(MostAtATime, count), Images + count);
            return images.PixelsOf(first, count);
        }
    }
}
