using Microsoft.ML.ResNet.Augmentation;
using Microsoft.ML.ResNet.Network.Torch;
using Microsoft.ML.ResNet.Persistence;
using Microsoft.ML.ResNet.Tensors;
using Microsoft.ML.ResNet.Tests.Conformance;
using Microsoft.ML.ResNet.Tests.Support;
using Microsoft.ML.ResNet.Training;
using TorchSharp;

namespace Microsoft.ML.ResNet.Tests.Training;

/// <summary>A training whose rate explodes ends at once, and keeps what it had.</summary>
[TestClass]
public class DivergenceTests
{
    private const int Rows = 60, StepsPerEpoch = 4;

    private readonly List<string> _warnings = [];

    [TestMethod]
    public void After_the_first_epoch_the_model_is_that_of_the_last_epoch_before()
    {
        var batches = new CountedBatches();
        using var model = Fit(new Exploding(0.5), batches: batches);
        using var expected = Fit(LearningRateSchedule.Constant, epochs: 2);

        CollectionAssert.AreEqual(Weights(expected), Weights(model));
        Assert.IsLessThanOrEqualTo(2 * StepsPerEpoch + 3, batches.Count, "noticed within the epoch");
        foreach (var part in new[] { "Training diverged: the loss of epoch 3 is", "Lower the learning rate",
            "The model has the weights of epoch 2, the last that was finished." })
            StringAssert.Contains(_warnings.Single(), part);
    }

    [TestMethod]
    public void With_a_validation_set_the_model_is_that_of_the_best_epoch()
    {
        using var model = Fit(new Exploding(0.75), validate: true);
        StringAssert.EndsWith(_warnings.Single(), $"The model has the weights of epoch {model.KeptEpoch}, the best of 3 finished epochs.");
        Assert.AreEqual(model.TrainingHistory.OrderByDescending(report => report.ValidationAccuracy).ThenBy(report => report.ValidationLoss)
            .First().Epoch, model.KeptEpoch);
        Assert.IsTrue(model.Model.Network.Weights.All(HoldsNumbers));
    }

    [TestMethod]
    [DataRow("layer2.0.bn1.running_var")] // overflows first: in training the batch's own variance is used, and the loss stays a number
    [DataRow("fc.weight")]
    public void Weights_that_a_last_step_has_spoilt_are_noticed_though_no_loss_has_seen_them(string name)
    {
        using var network = new ResidualNetwork(ResNetArchitecture.Cifar(8), 3, 3);
        Divergence.CheckEpoch(new Evaluation(1, 1), network, epoch: 1);
        using (torch.no_grad())
            StateDictionary.Entries(network).Single(entry => entry.Name == name).Tensor.fill_(float.PositiveInfinity);

        var error = Assert.ThrowsExactly<DivergenceException>(() => Divergence.CheckEpoch(new Evaluation(1, 1), network, epoch: 1));

        StringAssert.StartsWith(
            error.Message, $"Training diverged: '{name}' holds a value after epoch 2 that is no number. Lower the learning rate");
    }

    [TestMethod]
    public void Checkpoints_are_of_the_time_before_and_resuming_from_them_ends_the_same_way()
    {
        var folder = Path.Combine(TestAssembly.TemporaryFolder, $"diverged-{Guid.NewGuid():n}");
        using var model = Fit(new Exploding(0.6), folder: folder);

        foreach (var path in Directory.GetFiles(folder))
            using (var file = File.OpenRead(path))
                Assert.IsTrue(Safetensors.Read(file, out _).Where(tensor => tensor.Type == ElementType.Float32).All(HoldsNumbers), path);
        var newest = new CheckpointFolder(folder).ReadNewest(Assert.Fail)!;
        Assert.AreEqual(2, TrainingState.Read(newest.Metadata, newest.Tensors).Epoch);

        using var resumed = Fit(new Exploding(0.6), folder: folder);
        CollectionAssert.AreEqual(Weights(model), Weights(resumed));
    }

    [TestMethod]
    [DataRow(float.NaN)]
    [DataRow(float.PositiveInfinity)]
    public void A_state_with_a_number_that_is_none_knows_it(float value)
    {
        Assert.IsTrue(State(loss: 1, weight: 1).IsFinite());
        Assert.IsFalse(State(loss: value, weight: 1).IsFinite());
        Assert.IsFalse(State(loss: 1, weight: value).IsFinite());

        static TrainingState State(double loss, float weight) => new(1, 2, 3, new RunningMean.Sums(loss, 1, 2), default, [],
        [
            new NamedTensor("weights/count", ElementType.Int64, [1], BitConverter.GetBytes(-1L)), // as floats, these bits are no numbers
            new NamedTensor("weights/w", ElementType.Float32, [2], new[] { 1, weight }.SelectMany(BitConverter.GetBytes).ToArray()),
        ]);
    }

    private ResNetTransformer Fit(LearningRateSchedule schedule, int epochs = 4, string? folder = null, bool validate = false,
        CountedBatches? batches = null)
    {
        var ml = new MLContext(seed: 1);
        ml.Log += (_, e) =>
        {
            if (e.Kind == Runtime.ChannelMessageKind.Warning)
                _warnings.Add(e.RawMessage);
        };
        var options = TinyImages.Options(epochs);
        options.FeatureColumnName = nameof(ImageRow.Planar);
        options.Recipe = options.Recipe with { Schedule = schedule, Augmentation = batches is null ? AugmentationPolicy.None : [batches] };
        (options.CheckpointDirectory, options.CheckpointInterval, options.Resume) = (folder, TimeSpan.FromTicks(1), folder is not null);
        var data = ImageRows.View(ml, Rows, nameof(ImageRow.Key));
        var trainer = ml.MulticlassClassification.Trainers.ResNet(options);
        return validate ? trainer.Fit(data, data) : trainer.Fit(data);
    }

    private static bool HoldsNumbers(NamedTensor tensor)
        => tensor.Type != ElementType.Float32
            || Enumerable.Range(0, (int)tensor.ElementCount)
            .All(index => float.IsFinite(BitConverter.ToSingle(tensor.Data.Span[(4 * index)..])));

    private static byte[] Weights(ResNetTransformer model) => [.. model.Model.Network.Weights.SelectMany(tensor => tensor.Data.ToArray())];

    /// <summary>Keeps the rate until a part of the training is done.</summary>
    private sealed record Exploding(double At) : LearningRateSchedule
    {
        public override double Factor(double progress) => progress < At - 1e-9 ? 1 : 1e30;

        internal override IEnumerable<string> Problems() => [];
    }

    private sealed record CountedBatches : ImageAugmentation
    {
        public int Count { get; private set; }

        internal override torch.Tensor Apply(torch.Tensor images, AugmentationContext context)
        {
            Count++;
            return images.clone();
        }

        internal override IEnumerable<string> Problems() => [];
    }
}
