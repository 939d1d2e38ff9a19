using System.Runtime.InteropServices;
using Microsoft.ML.ResNet.Data;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Network.Torch;
using Microsoft.ML.ResNet.Tests.Persistence;
using Microsoft.ML.ResNet.Tests.Support;
using Microsoft.ML.ResNet.Training;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Tests.Training;

/// <summary>
/// Frozen layers that are computed once, for which computing them in every epoch is the oracle: it happens where neither memory nor disk
/// can hold their outputs.
/// </summary>
[TestClass]
public sealed class FeatureCacheTests
{
    private const int Rows = 61, Epochs = 3; // 4 steps an epoch
    private const int All = 3; // stages

    private readonly string _folder =
        Directory.CreateDirectory(Path.Combine(TestAssembly.TemporaryFolder, $"features-{Guid.NewGuid():n}")).FullName;
    private readonly List<string> _log = [];

    private static TrainingRecipe Plain => TrainingRecipe.LinearProbe with
    {
        NumberOfEpochs = Epochs,
        BatchSize = 16,
        MicroBatchSize = 6,
        WeightAverageDecay = 0.9,
        TestTimeFlip = true,
        ClassBalance = ClassBalance.Balanced,
    };

    private static TrainingRecipe Augmented
        => Plain with { Augmentation = [new RandomCrop(1), new HorizontalFlip { Alternating = true }] };

    [TestMethod]
    [DataRow(0)]
    [DataRow(1)]
    [DataRow(All)]
    public void In_memory_in_a_file_and_computed_every_time_it_is_the_same_training_bit_for_bit(int stages)
    {
        var everyTime = Train(Plain, stages, NoRoom);
        Assert.HasCount(3, _log.Where(line => line.Contains("is computed anew in every epoch", StringComparison.Ordinal)));
        _log.Clear();

        AssertEqual(everyTime, Train(Plain, stages, InMemory));
        AssertEqual(everyTime, Train(Plain, stages, InFile));

        Assert.HasCount(3, _log.Where(line => line.EndsWith("are computed once and kept in memory.", StringComparison.Ordinal)));
        Assert.HasCount(3, _log.Where(line => line.EndsWith($"in a temporary file in '{_folder}'.", StringComparison.Ordinal)));
        if (stages == All)
            StringAssert.StartsWith(_log[0], $"Features of {Rows} training images (16 numbers each, 0.0 MiB) are computed once");
        Assert.IsEmpty(Directory.GetFiles(_folder));
    }

    [TestMethod]
    [DataRow(1)]
    [DataRow(All)]
    public void As_many_cached_views_as_epochs_are_what_fresh_views_are(int stages)
    {
        var fresh = Train(Augmented, stages, InMemory);
        AssertEqual(fresh, Train(Augmented with { CachedViews = Epochs }, stages, InFile));
        AssertEqual(fresh, Train(Augmented with { CachedViews = 100 }, stages, InMemory));
        AssertEqual(Train(Augmented with { CachedViews = 2 }, stages, NoRoom), fresh);

        Assert.IsFalse(fresh.SequenceEqual(Train(Augmented with { CachedViews = 1 }, stages, InMemory)), "one view is another training");
    }

    [TestMethod]
    [DataRow(1, null)]
    [DataRow(All, null)]
    [DataRow(All, 2)]
    public void Stopped_after_any_step_and_resumed_it_ends_with_the_same_weights(int stages, int? views)
    {
        var recipe = views is null ? Plain : Augmented with { CachedViews = views };
        var uninterrupted = Train(recipe, stages, InMemory);

        for (var steps = 1; steps < Epochs * 4; steps += 2)
        {
            TrainingState? state = null;
            var stopAt = steps;
            Assert.ThrowsExactly<OperationCanceledException>(() => Train(recipe, stages, InMemory, afterStep: copy =>
            {
                if (--stopAt > 0)
                    return;
                var stopped = copy();
                state = TrainingState.Read(stopped.Metadata(), stopped.Tensors);
                throw new OperationCanceledException();
            }));
            AssertEqual(uninterrupted, Train(recipe, stages, InFile, resume: state));
        }
    }

    [TestMethod]
    [DataRow(0)]
    [DataRow(1)]
    [DataRow(All)]
    public void The_frozen_layers_are_libtorchs_and_give_an_image_the_same_bits_in_any_batch(int stages)
    {
        using var scope = NewDisposeScope();
        using var network = ResidualNetwork.Of(SavedModel.Create());
        network.Freeze(stages);
        using var images = Images();
        using var kernels = new FrozenLayers(network, SavedModel.Create().Normalization, new ResNetNumerics());
        using var libtorch = new FrozenLayers(network, SavedModel.Create().Normalization,
            new ResNetNumerics { CpuKernelsForTraining = false });

        var (expected, found) = (libtorch.Run(images.PixelsOf(0, Rows)), kernels.Run(images.PixelsOf(0, Rows)));

        CollectionAssert.AreEqual(expected.shape, found.shape);
        CollectionAssert.AreEqual(expected.stride(), found.stride());
        Assert.IsLessThan(1e-5f, ((found - expected).abs().max() / expected.abs().max()).item<float>());
        for (var row = 0; row < Rows; row += 7)
            Assert.IsTrue(kernels.Run(images.PixelsOf(row, 1)).equal(found.narrow(0, row, 1)).all().item<bool>(), $"image {row}");
        Assert.IsTrue(network.PassTrained(found).allclose(network.forward(
            SavedModel.Create().Normalization.Apply(images.PixelsOf(0, Rows))), 1e-4, 1e-4));
    }

    [TestMethod]
    public void Pixels_pass_the_frozen_layers_once_and_are_not_looked_at_again()
    {
        using var images = Images();
        using var counted = new CountedStore(images);
        Train(Plain with { StandardizeFeatures = false, TestTimeFlip = false }, All, InMemory, train: counted);

        Assert.AreEqual(Rows + 1, counted.Images, "and one for the shape");
    }

    [TestMethod]
    public void Cancelled_while_frozen_layers_are_computed_it_leaves_nothing_and_reports_came_before()
    {
        Train(Plain, All, InMemory); // libtorch is set up
        var census = TensorCensus.Start();
        foreach (var memory in new[] { InMemory, InFile })
        {
            var reports = new List<(long Done, long All)>();
            Assert.ThrowsExactly<OperationCanceledException>(() => Train(Plain, All, memory, featuresComputed: (done, all) =>
            {
                reports.Add((done, all));
                if (done > Rows + 20)
                    throw new OperationCanceledException();
            }));
            Assert.AreEqual((6, 3 * Rows), reports[0]); // training images, and validation images in two views
            Assert.AreEqual(Rows, reports[10].Done);
        }
        census.AssertNoSurvivors();
        Assert.IsEmpty(Directory.GetFiles(_folder));
    }

    [TestMethod]
    public void The_head_of_the_model_takes_features_as_they_are()
    {
        using var scope = NewDisposeScope();
        var generator = new Generator(3);
        var occurs = arange(16).ne(4).to_type(ScalarType.Float32); // all but one
        var features = empty(Rows, 16).normal_(5, 2, generator).mul_(linspace(10, 100, 16)).mul_(occurs);
        using var images = Images();
        using var head = new Linear(16, 3);
        using (no_grad())
            head.weight.normal_(0, 1, generator);
        using var scale = FeatureScale.Measure(new LayerInput(images, pixels => features.narrow(0, 0, pixels.shape[0])), Rows, () => { });

        var scaled = scale.Apply(features);
        Assert.IsTrue(scaled.mean([0]).abs().max().item<float>() < 1e-4);
        Assert.IsTrue((scaled.square().mean([0]) - occurs).abs().max().item<float>() < 2e-3);
        var (weight, bias, logits) = (head.weight.clone(), head.bias.clone(), head.forward(scaled));
        Assert.IsTrue(scale.Unstandardized(head, () => head.forward(features).allclose(logits, 1e-3, 1e-2)));
        Assert.IsTrue(head.weight.equal(weight).all().item<bool>() && head.bias.equal(bias).all().item<bool>());
    }

    [TestMethod]
    [DataRow(1 / 256f)]
    [DataRow(1f)]
    [DataRow(256f)]
    public void A_linear_probe_learns_whatever_the_scale_of_the_features(float scale)
    {
        var ml = new MLContext(seed: 1);
        var data = ml.Transforms.Conversion.MapValueToKey("Label").Fit(TinyImages.View(ml, 90)).Transform(TinyImages.View(ml, 90));
        using var initial = ml.MulticlassClassification.Trainers.ResNet(TinyImages.Options(epochs: 6)).Fit(data);
        var options = new ResNetTrainer.Options
        {
            InitialModel = new ResNetModelParameters(Scaled(initial.Model.Network, scale)),
            FrozenStages = All,
            Recipe = TrainingRecipe.LinearProbe,
            Device = ComputeDevice.Cpu,
        };
        var messages = new List<string>();
        var reports = new List<TrainingProgress>();
        options.Progress = new Listener(reports.Add);
        ml.Log += (_, message) => messages.Add(message.Message);

        using var model = ml.MulticlassClassification.Trainers.ResNet(options).Fit(data, data);

        Assert.IsGreaterThan(0.85, model.TrainingHistory.Max(report => report.ValidationAccuracy)!.Value);
        Assert.AreEqual(model.TrainingHistory.Max(report => report.ValidationAccuracy)!.Value,
            ml.MulticlassClassification.Evaluate(model.Transform(data)).MicroAccuracy, 1e-6, "as the model scores");
        Assert.HasCount(1, messages.Where(message => message.Contains("Features of 90 training images", StringComparison.Ordinal)));
        Assert.IsGreaterThan(0, reports[0].FeaturesComputed!.Value);
        Assert.AreEqual(1.0, reports.Last(report => report.FeaturesComputed is not null).FeaturesComputed);
        Assert.IsNull(reports[^1].FeaturesComputed);
    }

    // The features of this model are those of the other times the scale: those of the last block's sums are, before they are rectified.
    private static TrainedResNet Scaled(TrainedResNet model, float scale)
    {
        string[] last = ["layer3.0.bn2.weight", "layer3.0.bn2.bias", "layer3.0.downsample.1.weight", "layer3.0.downsample.1.bias"];
        return model with
        {
            Weights = [.. model.Weights.Select(tensor
                => last.Contains(tensor.Name) ? tensor with { Data = Times(tensor.Data, scale) } : tensor)],
        };
    }

    private static byte[] Times(ReadOnlyMemory<byte> floats, float scale)
    {
        var bytes = floats.ToArray();
        foreach (ref var value in MemoryMarshal.Cast<byte, float>(bytes.AsSpan()))
            value *= scale;
        return bytes;
    }

    private ImageMemory InMemory => new(long.MaxValue, _folder);

    private ImageMemory InFile => new(0, _folder);

    private ImageMemory NoRoom => new(0, Path.Combine(_folder, "missing"));

    // Every weight and figure that the training leaves.
    private byte[] Train(TrainingRecipe recipe, int stages, ImageMemory memory, Action<Func<TrainingState>>? afterStep = null,
        Action<long, long>? featuresComputed = null, TrainingState? resume = null, PixelStore? train = null)
    {
        var model = SavedModel.Create();
        using var network = ResidualNetwork.Of(model);
        network.Freeze(stages);
        using var images = Images();
        var events = new TrainingEvents(() => { }, afterStep ?? (_ => { }), (_, _) => { })
        {
            Info = _log.Add,
            Warning = _log.Add,
            FeaturesComputed = featuresComputed
        };
        using var loop = new TrainingLoop(network, recipe, model.Normalization, seed: 5, events, new TrainingSettings { Memory = memory });
        if (resume is not null)
            loop.Restore(resume, CPU);
        try
        {
            var best = loop.Run(train ?? images, images);
            var figures = loop.History.SelectMany(report => new[] { report.TrainLoss, report.ValidationLoss!.Value }).ToArray();
            return [.. best.Concat(loop.Save().Tensors).SelectMany(tensor => tensor.Data.ToArray()),
                .. MemoryMarshal.AsBytes<double>(figures).ToArray()];
        }
        finally
        {
            network.zero_grad(set_to_none: true);
        }
    }

    private static void AssertEqual(byte[] expected, byte[] actual) => Assert.IsTrue(expected.AsSpan().SequenceEqual(actual));

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

    private sealed class Listener(Action<TrainingProgress> report) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => report(value);
    }

    /// <summary>Counts the images whose pixels are taken.</summary>
    private sealed class CountedStore(PixelStore images) : PixelStore(images.Labels.clone(), weights: null)
    {
        public int Images { get; private set; }

        public override long? BytesInMemory => images.BytesInMemory;

        public override Tensor PixelsOf(ArraySegment<long> rows)
        {
            Images += rows.Count;
            return images.PixelsOf(rows);
        }

        public override Tensor PixelsOf(int first, int count)
        {
            Images += count;
            return images.PixelsOf(first, count);
        }
    }
}
