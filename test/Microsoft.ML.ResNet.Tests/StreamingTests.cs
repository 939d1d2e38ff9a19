using Microsoft.ML.ResNet.Augmentation;
using Microsoft.ML.ResNet.Tests.Conformance;
using Microsoft.ML.ResNet.Tests.Support;
using TorchSharp;

namespace Microsoft.ML.ResNet.Tests;

/// <summary>Images beyond the memory budget are read from a file, and nothing else changes: in memory is the oracle.</summary>
[TestClass]
public sealed class StreamingTests
{
    private const int Rows = 61; // the last batch is of another size

    private readonly string _folder =
        Directory.CreateDirectory(Path.Combine(TestAssembly.TemporaryFolder, $"stream-{Guid.NewGuid():n}")).FullName;
    private readonly List<string> _log = [];

    [TestMethod]
    public void The_weights_are_those_of_a_training_in_memory_bit_for_bit()
    {
        var (inMemory, streamed) = (new List<EpochReport>(), new List<EpochReport>());
        var expected = Fit(budget: null, change: options => options.MetricsCallback = inMemory.Add)!;
        Assert.IsEmpty(_log.Where(line => line.Contains("temporary file", StringComparison.Ordinal)));

        CollectionAssert.AreEqual(expected, Fit(budget: 0, change: options => options.MetricsCallback = streamed.Add)!);

        CollectionAssert.AreEqual(inMemory.Select(Figures).ToArray(), streamed.Select(Figures).ToArray());
        Assert.HasCount(
            2, _log.Where(
            line => line.Contains(
            $"images need more memory than ImageMemoryBudgetMiB leaves them (0 MiB); they are read from a temporary file in '{_folder}'",
            StringComparison.Ordinal)));
        Assert.IsEmpty(Directory.GetFiles(_folder));
    }

    [TestMethod]
    [DataRow(null, 0)]
    [DataRow(0, null)]
    public void A_training_may_be_stopped_in_one_mode_and_resumed_in_the_other(int? before, int? after)
    {
        var expected = Fit(budget: null)!;
        var checkpoints = Path.Combine(_folder, "checkpoints");
        using var cancellation = new CancellationTokenSource();

        Assert.IsNull(Fit(before, options =>
        {
            (options.CheckpointDirectory, options.CancellationToken) = (checkpoints, cancellation.Token);
            options.MetricsCallback = _ => cancellation.Cancel();
        }));

        CollectionAssert.AreEqual(expected, Fit(after, options => (options.CheckpointDirectory, options.Resume) = (checkpoints, true))!);
    }

    [TestMethod]
    public void Cancelled_or_failed_it_leaves_no_file_and_no_tensor()
    {
        using var cancellation = new CancellationTokenSource();
        var census = TensorCensus.Start();

        Assert.IsNull(Fit(budget: 0, options =>
        {
            options.CancellationToken = cancellation.Token;
            options.Recipe = options.Recipe with { Augmentation = [new Act(cancellation.Cancel)] };
        }), "cancelled in a step");
        Assert.ThrowsExactly<InvalidTimeZoneException>(() => Fit(budget: 0, options =>
            options.Recipe = options.Recipe with { Augmentation = [new Act(() => throw new InvalidTimeZoneException())] }));

        census.AssertNoSurvivorsOfTraining(ResNetArchitecture.Cifar(8), networks: 2);
        Assert.IsEmpty(Directory.GetFiles(_folder));
    }

    [TestMethod]
    public void A_source_that_fails_leaves_no_file_and_no_tensor()
    {
        var ml = new MLContext(seed: 1);
        var census = TensorCensus.Start();
        var data = ml.Transforms.CopyColumns("Label", nameof(ImageRow.Key)).Fit(Failing()).Transform(Failing());
        var trainer = ImageRows.Trainer(ml, change: options => (options.ImageMemoryBudgetMiB, options.ImageSpillDirectory) = (0, _folder));

        Assert.ThrowsExactly<InvalidDataException>(() => trainer.Fit(data));

        census.AssertNoSurvivorsAnywhere();
        Assert.IsEmpty(Directory.GetFiles(_folder));

        IDataView Failing()
            => ml.Data.LoadFromEnumerable(ImageRows.Create(9)
            .Select((row, index) => index < 8 ? row : throw new InvalidDataException("broken")));
    }

    [TestMethod]
    public void A_folder_that_will_not_do_stops_Fit_with_what_to_do()
    {
        var missing = Path.Combine(_folder, "missing");
        var error = Assert.ThrowsExactly<IOException>(() => Fit(budget: 0, options => options.ImageSpillDirectory = missing));
        StringAssert.Contains(error.Message, missing);
        StringAssert.Contains(error.Message, "Set ImageSpillDirectory");
        Assert.IsNotNull(Fit(budget: null, options => options.ImageSpillDirectory = missing), "nobody needs it");
    }

    [TestMethod]
    public void Wrong_options_are_told()
    {
        var ml = new MLContext(seed: 1);
        var error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(
            () => ImageRows.Trainer(ml, change: options => (options.ImageMemoryBudgetMiB, options.ImageSpillDirectory) = (-1, " ")));
        StringAssert.Contains(error.Message, "ImageMemoryBudgetMiB is -1; it must be at least 0");
        StringAssert.Contains(error.Message, "ImageSpillDirectory is empty");
    }

    // The final weights, or null if training was cancelled. Everything that touches rows takes part: weights, augmentation, validation,
    // pieces of batches.
    private byte[]? Fit(int? budget, Action<ResNetTrainer.Options>? change = null)
    {
        var ml = new MLContext(seed: 3);
        ml.Log += (_, e) => _log.Add(e.Message);
        var options = TinyImages.Options(epochs: 2);
        options.FeatureColumnName = nameof(ImageRow.Planar);
        options.ExampleWeightColumnName = nameof(ImageRow.Weight);
        options.Recipe = options.Recipe with
        {
            Augmentation = [new RandomCrop(1), new HorizontalFlip()],
            MicroBatchSize = 7,
            LearningRate = 0.01
        };
        (options.ImageMemoryBudgetMiB, options.ImageSpillDirectory) = (budget, _folder);
        change?.Invoke(options);
        var rows = ImageRows.Create(Rows);
        for (var row = 0; row < Rows; row++)
            rows[row].Weight = 1 + row % 4;
        try
        {
            using var model = ml.MulticlassClassification.Trainers.ResNet(options)
                .Fit(ImageRows.View(ml, rows), ImageRows.View(ml, 20, seed: 2));
            return [.. model.Model.Network.Weights.SelectMany(tensor => tensor.Data.ToArray())];
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    private static (int, double, double, double?, double?) Figures(EpochReport report)
        => (report.Epoch, report.TrainLoss, report.TrainAccuracy, report.ValidationLoss, report.ValidationAccuracy);

    /// <summary>Changes no image, but acts before the second batch is learnt.</summary>
    private sealed record Act(Action Action) : ImageAugmentation
    {
        private int _batches;

        internal override torch.Tensor Apply(torch.Tensor images, AugmentationContext context)
        {
            if (++_batches == 2)
                Action();
            return images.clone();
        }

        internal override IEnumerable<string> Problems() => [];
    }
}
