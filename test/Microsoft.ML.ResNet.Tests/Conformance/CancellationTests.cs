using Microsoft.ML.ResNet.Augmentation;
using Microsoft.ML.ResNet.Tests.Support;
using TorchSharp;

namespace Microsoft.ML.ResNet.Tests.Conformance;

/// <summary>
/// With <see cref="CancellationBehavior.KeepBest"/> a cancelled training leaves the model of the epochs that were finished.
/// </summary>
[TestClass]
public class CancellationTests
{
    private const int Rows = 60, StepsPerEpoch = 4;

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void Cancelled_within_an_epoch_it_leaves_the_weights_of_the_last_that_was_finished(bool byToken)
    {
        var run = new Run { CancelAtBatch = 2 * StepsPerEpoch + 2, ByToken = byToken };
        using var model = run.Fit();
        using var expected = new Run().Fit(epochs: 2);

        CollectionAssert.AreEqual(Weights(expected), Weights(model));
        Assert.AreEqual(run.CancelAtBatch, run.Batches, "no batch began after that");
        Assert.AreEqual(
            "Training was cancelled after 2 finished epochs of 1000. The model has the weights of epoch 2, the last that was "
            + "finished.", run.Warnings.Single());
    }

    [TestMethod]
    public void With_a_weight_average_it_is_the_average_that_is_left()
    {
        var run = new Run { CancelAtBatch = 2 * StepsPerEpoch + 2, WeightAverageDecay = 0.9 };
        using var model = run.Fit();
        using var expected = new Run { WeightAverageDecay = 0.9 }.Fit(epochs: 2);
        CollectionAssert.AreEqual(Weights(expected), Weights(model));
    }

    [TestMethod]
    public void With_a_validation_set_it_leaves_the_best_epoch()
    {
        var reports = new List<EpochReport>();
        var run = new Run { CancelAtBatch = 3 * StepsPerEpoch + 1, Reports = reports };
        var validation = View(50, seed: 2);

        using var model = run.Fit(validation: validation);

        var best = reports.OrderByDescending(report => report.ValidationAccuracy).ThenBy(report => report.ValidationLoss).First();
        var metrics = new MLContext().MulticlassClassification.Evaluate(model.Transform(validation));
        Assert.AreEqual(best.ValidationLoss!.Value, metrics.LogLoss, 1e-4);
        StringAssert.EndsWith(run.Warnings.Single(), $"The model has the weights of epoch {best.Epoch}, the best of 3 finished epochs.");
        Assert.AreEqual(best.Epoch, model.KeptEpoch);
        Assert.HasCount(3, model.TrainingHistory);
    }

    [TestMethod]
    public void Before_an_epoch_was_finished_there_is_nothing_to_keep()
    {
        var census = TensorCensus.Start();
        Assert.ThrowsExactly<OperationCanceledException>(() => new Run { CancelAtBatch = StepsPerEpoch - 1 }.Fit());
        census.AssertNoSurvivorsOfTraining(ResNetArchitecture.Cifar(8), networks: 1);
    }

    [TestMethod]
    public void A_callback_that_gave_up_on_something_else_did_not_cancel_the_training()
    {
        var run = new Run { Callback = _ => throw new TaskCanceledException("the web service took too long") };
        Assert.ThrowsExactly<TaskCanceledException>(() => run.Fit());
    }

    [TestMethod]
    public void What_was_finished_before_a_resumed_training_counts_too()
    {
        var folder = Path.Combine(TestAssembly.TemporaryFolder, $"keep-{Guid.NewGuid():n}");
        Resumable(folder, cancelAt: "Epoch 3/9").Dispose();
        File.Delete(Directory.GetFiles(folder).Order().Last()); // the newest is now of the step before, within epoch 3

        using var model = Resumable(folder, cancelAt: "Resuming from");
        using var expected = new Run().Fit(epochs: 2);

        CollectionAssert.AreEqual(Weights(expected), Weights(model));
        Assert.AreEqual(2, model.KeptEpoch);
    }

    [TestMethod]
    [DataRow(0)] // before anything is read
    [DataRow(5)]
    public void Cancelled_while_images_are_read_a_resumed_training_leaves_what_its_checkpoint_has_finished(int row)
    {
        var folder = Path.Combine(TestAssembly.TemporaryFolder, $"keep-{Guid.NewGuid():n}");
        Resumable(folder, cancelAt: "Epoch 3/9").Dispose();
        var warnings = new List<string>();

        using var model = Resumable(folder, cancelAt: "", cancelAtRow: row, warnings: warnings);
        using var expected = new Run().Fit(epochs: 3);

        CollectionAssert.AreEqual(Weights(expected), Weights(model));
        Assert.AreEqual(3, model.KeptEpoch);
        Assert.HasCount(3, model.TrainingHistory);
        Assert.AreEqual("Training was cancelled before it went on, after 3 finished epochs of 9. The model has the weights of epoch 3, the "
            + "last that was finished.", warnings.Single());
        var metrics = new MLContext().MulticlassClassification.Evaluate(model.Transform(View(50, seed: 2)));
        Assert.AreEqual(new MLContext().MulticlassClassification.Evaluate(expected.Transform(View(50, seed: 2))).LogLoss, metrics.LogLoss,
            1e-9, "the normalisation is that of the images that were read before");
        Assert.IsNotEmpty(Directory.GetFiles(folder), "and the training can still go on");
    }

    [TestMethod]
    public void Cancelled_while_images_are_read_nothing_is_left_of_another_training_or_of_none()
    {
        var folder = Path.Combine(TestAssembly.TemporaryFolder, $"keep-{Guid.NewGuid():n}");
        Assert.ThrowsExactly<OperationCanceledException>(() => Resumable(folder, cancelAt: "", cancelAtRow: 5));
        Resumable(folder, cancelAt: "Epoch 3/9").Dispose();

        var error = Assert.ThrowsExactly<InvalidOperationException>(
            () => Resumable(folder, cancelAt: "", cancelAtRow: 5, learningRate: 0.01));

        StringAssert.Contains(error.Message, "is of another training: LearningRate is 0.01");
    }

    // Cancelled when something is logged, for an augmentation that cancels would make it another training.
    private static ResNetTransformer Resumable(string folder, string cancelAt, int? cancelAtRow = null, List<string>? warnings = null,
        double learningRate = 0.05)
    {
        var ml = new MLContext(seed: 1);
        using var source = new CancellationTokenSource();
        ml.Log += (_, e) =>
        {
            if (cancelAt.Length > 0 && e.Message.Contains(cancelAt, StringComparison.Ordinal))
                source.Cancel();
            if (e.Kind == Runtime.ChannelMessageKind.Warning)
                warnings?.Add(e.RawMessage);
        };
        var rows = ImageRows.Create(Rows).Index().Select(row =>
        {
            if (row.Index == cancelAtRow)
                source.Cancel();
            return row.Item;
        });
        if (cancelAtRow == 0)
            source.Cancel();
        return ImageRows.Trainer(ml, epochs: 9, change: options =>
        {
            options.Recipe = options.Recipe with { Schedule = LearningRateSchedule.Constant, LearningRate = learningRate };
            (options.CancellationBehavior, options.CancellationToken) = (CancellationBehavior.KeepBest, source.Token);
            (options.CheckpointDirectory, options.CheckpointInterval, options.Resume) = (folder, TimeSpan.FromTicks(1), true);
        }).Fit(ml.Transforms.CopyColumns("Label", nameof(ImageRow.Key)).Fit(ml.Data.LoadFromEnumerable(rows))
            .Transform(ml.Data.LoadFromEnumerable(rows)));
    }

    private static IDataView View(int rows, int seed = 1) => ImageRows.View(new MLContext(seed: 1), rows, nameof(ImageRow.Key), seed);

    private static byte[] Weights(ResNetTransformer model) => [.. model.Model.Network.Weights.SelectMany(tensor => tensor.Data.ToArray())];

    /// <summary>One training, cancelled while it takes the pixels of a batch.</summary>
    private sealed record Run : ImageAugmentation
    {
        private Action _cancel = () => { };

        public int? CancelAtBatch { get; init; }

        public bool ByToken { get; init; } = true;

        public double? WeightAverageDecay { get; init; }

        public List<EpochReport> Reports { get; init; } = [];

        public Action<EpochReport>? Callback { get; init; }

        public List<string> Warnings { get; } = [];

        public int Batches { get; private set; }

        public ResNetTransformer Fit(int epochs = 1000, IDataView? validation = null)
        {
            var ml = new MLContext(seed: 1);
            using var source = new CancellationTokenSource();
            _cancel = ByToken ? source.Cancel : ml.CancelExecution;
            ml.Log += (_, e) =>
            {
                if (e.Kind == Runtime.ChannelMessageKind.Warning)
                    Warnings.Add(e.RawMessage);
            };
            var options = TinyImages.Options(epochs);
            options.FeatureColumnName = nameof(ImageRow.Planar);
            options.Recipe = options.Recipe with
            {
                Schedule = LearningRateSchedule.Constant,
                Augmentation = [this],
                WeightAverageDecay = WeightAverageDecay
            };
            (options.CancellationBehavior, options.CancellationToken) = (CancellationBehavior.KeepBest, source.Token);
            options.MetricsCallback = Callback ?? Reports.Add;
            var trainer = ml.MulticlassClassification.Trainers.ResNet(options);
            return validation is null ? trainer.Fit(View(Rows)) : trainer.Fit(View(Rows), validation);
        }

        internal override torch.Tensor Apply(torch.Tensor images, AugmentationContext context)
        {
            if (++Batches == CancelAtBatch)
                _cancel();
            return images.clone();
        }

        internal override IEnumerable<string> Problems() => [];
    }
}
