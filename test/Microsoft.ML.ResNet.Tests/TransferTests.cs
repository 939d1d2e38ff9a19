using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Tensors;
using Microsoft.ML.ResNet.Tests.Persistence;
using Microsoft.ML.ResNet.Tests.Support;

namespace Microsoft.ML.ResNet.Tests;

/// <summary>Training that starts from another model's weights: what is taken over, what is drawn anew, and what is told of it.</summary>
[TestClass]
public class TransferTests
{
    private const double VanishingRate = 1e-30; // no float of the network changes by it

    [TestMethod]
    public void With_everything_but_the_head_frozen_and_a_vanishing_rate_every_tensor_is_the_initial_one_bit_for_bit()
    {
        var initial = SavedModel.Create();
        using var model = Fit(Options(initial, frozenStages: 3));

        AssertEqual(initial.Weights, model.Model.Network.Weights, _ => true);
        Assert.AreEqual(initial.Normalization.ToString(), model.Model.Network.Normalization.ToString());
    }

    [TestMethod]
    public void Without_freezing_only_running_statistics_move_at_a_vanishing_rate()
    {
        var initial = SavedModel.Create();
        using var model = Fit(Options(initial));

        AssertEqual(initial.Weights, model.Model.Network.Weights, name => !IsRunning(name));
    }

    [TestMethod]
    public void A_model_that_was_saved_and_loaded_is_a_start_too()
    {
        var mlContext = new MLContext(seed: 1);
        using var file = new MemoryStream();
        using (var saved = new ResNetTransformer(mlContext, SavedModel.Create(), SavedModel.Columns))
            mlContext.Model.Save(saved, null, file);
        using var loaded = (ResNetTransformer)mlContext.Model.LoadResNet(file, out _);
        Assert.IsNull(loaded.InitialWeights);

        using var model = Fit(Options(loaded.Model, frozenStages: 3));

        AssertEqual(SavedModel.Create().Weights, model.Model.Network.Weights, _ => true);
        Assert.IsTrue(model.InitialWeights!.IsExact);
    }

    [TestMethod]
    public void A_head_of_other_classes_is_drawn_anew_from_the_seed_and_the_rest_is_kept()
    {
        var initial = SavedModel.Create(classes: SavedModel.TextLabels("cat", "dog", "horse"));
        using var model = Fit(Options(initial, frozenStages: 3));
        using var same = Fit(Options(initial, frozenStages: 3));

        var weights = model.Model.Network.Weights;
        AssertEqual(initial.Weights, weights, name => !IsHead(name));
        foreach (var (before, after) in initial.Weights.Zip(weights).Where(pair => IsHead(pair.First.Name)))
            Assert.IsFalse(before.Data.Span.SequenceEqual(after.Data.Span), before.Name);
        AssertEqual(weights, same.Model.Network.Weights, _ => true);
        CollectionAssert.AreEqual(new[] { "fc.weight: of other classes", "fc.bias: of other classes" },
            model.InitialWeights!.Mismatched.ToArray());
        CollectionAssert.AreEqual(TinyImages.Classes, model.Model.ClassNames.ToArray());
    }

    [TestMethod]
    public void A_head_of_more_classes_is_drawn_anew_too()
    {
        using var model = Fit(Options(SavedModel.Create(classes: new ClassLabels(7)), frozenStages: 3));

        CollectionAssert.AreEqual(new long[] { 3, 16 },
            model.Model.Network.Weights.Single(tensor => tensor.Name == "fc.weight").Shape.ToArray());
        Assert.HasCount(2, model.InitialWeights!.Mismatched);
    }

    [TestMethod]
    public void Classes_in_another_order_get_a_new_head_and_a_warning_that_tells_how_to_keep_it()
    {
        var log = new List<string>();
        using var model = Fit(Options(SavedModel.Create(classes: SavedModel.TextLabels("blue top", "green right", "red left"))), log: log);

        Assert.AreEqual("fc.weight: of the same classes in another order", model.InitialWeights!.Mismatched[0]);
        Assert.ContainsSingle(log.Where(line => line.Contains("MapLabelToKey", StringComparison.Ordinal)));
    }

    [TestMethod]
    public void Grey_images_get_a_new_first_convolution_and_a_measured_normalisation()
    {
        var initial = SavedModel.Create();
        using var model = Fit(Options(initial), GreyImages);

        var weights = model.Model.Network.Weights;
        AssertEqual([.. initial.Weights.Skip(1)], [.. weights.Skip(1)], name => !IsRunning(name));
        CollectionAssert.AreEqual(new[] { "conv1.weight: Float32[4, 3, 3, 3], expected Float32[4, 1, 3, 3]" },
            model.InitialWeights!.Mismatched.ToArray());
        Assert.AreEqual(1, model.Model.ChannelMeans.Count);
        Assert.AreNotEqual(initial.Normalization.Mean[0], model.Model.ChannelMeans[0]);
    }

    [TestMethod]
    public void A_first_convolution_that_must_be_drawn_anew_cannot_be_frozen()
    {
        var mlContext = new MLContext(seed: 1);
        var images = GreyImages(mlContext);
        var unread = new CountingView(mlContext.Transforms.Conversion.MapValueToKey("Label").Fit(images).Transform(images));

        var error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(
            () => mlContext.MulticlassClassification.Trainers.ResNet(Options(SavedModel.Create(), frozenStages: 0)).Fit(unread));

        StringAssert.Contains(error.Message, "The training images are 1x8x8, those of InitialModel 3x8x8");
        StringAssert.Contains(error.Message, "Unset FrozenStages");
        Assert.AreEqual(0, unread.CursorsOpened, "known before anything is read");
    }

    [TestMethod]
    public void Images_may_have_another_size()
    {
        using var model = Fit(Options(SavedModel.Create(shape: new ImageShape(3, 32, 24)), frozenStages: 3));

        Assert.AreEqual(TinyImages.Shape, model.Model.ImageShape);
        Assert.IsTrue(model.InitialWeights!.IsExact);
    }

    [TestMethod]
    public void The_log_and_the_model_tell_what_was_taken_over_and_what_was_frozen()
    {
        var log = new List<string>();
        using var model = Fit(Options(SavedModel.Create(classes: new ClassLabels(2)), frozenStages: 1), log: log);

        var line = log.Single(line => line.Contains("Starting from", StringComparison.Ordinal));
        StringAssert.Contains(line,
            "Starting from InitialModel: 54 matched, 18 frozen; 2 mismatched: 'fc.weight: of other classes', 'fc.bias: of other classes'. "
            + "What does not match is drawn from the seed.");
        CollectionAssert.AreEqual(model.InitialWeights!.Matched.Take(18).ToArray(), model.InitialWeights.Frozen.ToArray());
        Assert.IsTrue(model.InitialWeights.Frozen.All(name => name.StartsWith("conv1.", StringComparison.Ordinal)
            || name.StartsWith("bn1.", StringComparison.Ordinal) || name.StartsWith("layer1.", StringComparison.Ordinal)));
    }

    [TestMethod]
    public void Names_of_the_textbook_are_understood()
    {
        var plan = ResNetArchitecture.D2l18() with { StemWidth = 4, Stages = [new(4, 1, 1), new(8, 1, 2), new(8, 1, 2), new(8, 1, 2)] };

        var report = ResNet.Fitting.InitialWeights.Of(SavedModel.Create(plan), channels: 3, new ClassLabels(3), frozenStages: 1).Report;

        CollectionAssert.AreEqual(new[] { "7.weight: of other classes", "7.bias: of other classes" }, report.Mismatched.ToArray());
        CollectionAssert.AreEqual(report.Matched.Where(name => name[0] is '0' or '1').ToArray(), report.Frozen.ToArray());
        Assert.IsNotEmpty(report.Frozen);
    }

    [TestMethod]
    public void Training_from_scratch_takes_nothing_over()
    {
        var options = TinyImages.Options(epochs: 1);
        using var model = Fit(options);

        Assert.IsNull(model.InitialWeights);
    }

    [TestMethod]
    public void Options_that_do_not_go_together_are_named()
    {
        AssertProblem("Architecture is cifar-8, that of InitialModel custom-8; they must be equal, or Architecture unset.",
            options => options.Architecture = ResNetArchitecture.Cifar(8));
        AssertProblem("FrozenStages is 4; it must be from 0 (the stem) to 3 (all stages of custom-8), or unset.",
            options => options.FrozenStages = 4);
        AssertProblem("FrozenStages is -1; it must be from 0", options => options.FrozenStages = -1);
        AssertProblem("FrozenStages is 1, but InitialModel is unset", options => (options.FrozenStages, options.InitialModel) = (1, null));
    }

    [TestMethod]
    public void Training_from_a_model_leaves_no_tensor_behind()
    {
        var options = Options(SavedModel.Create(), frozenStages: 1);
        Fit(options).Dispose(); // warms up whatever is made once for the process

        var census = TensorCensus.Start();
        Fit(options).Dispose();
        census.AssertNoSurvivorsOfTraining(SavedModel.Narrow, networks: 1);
    }

    private static void AssertProblem(string expected, Action<ResNetTrainer.Options> change)
    {
        var options = Options(SavedModel.Create());
        change(options);
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentOutOfRangeException>(
            () => new MLContext().MulticlassClassification.Trainers.ResNet(options)).Message, expected);
    }

    private static ResNetTrainer.Options Options(TrainedResNet initial, int? frozenStages = null)
        => Options(new ResNetModelParameters(initial), frozenStages);

    private static ResNetTrainer.Options Options(ResNetModelParameters initial, int? frozenStages = null) => new()
    {
        InitialModel = initial,
        FrozenStages = frozenStages,
        Recipe = TinyImages.Options(epochs: 2).Recipe with { LearningRate = VanishingRate },
        Device = ComputeDevice.Cpu,
    };

    private static ResNetTransformer Fit(ResNetTrainer.Options options, Func<MLContext, IDataView>? images = null, List<string>? log = null)
    {
        var mlContext = new MLContext(seed: 1);
        mlContext.Log += (_, e) => log?.Add(e.Message);
        var data = images?.Invoke(mlContext) ?? TinyImages.View(mlContext, 30);
        return mlContext.MulticlassClassification.Trainers.ResNet(options)
            .Fit(mlContext.Transforms.Conversion.MapValueToKey("Label").Fit(data).Transform(data));
    }

    private static IDataView GreyImages(MLContext mlContext)
        => mlContext.Data.LoadFromEnumerable(TinyImages.Rows(30)
            .Select(row => new GreyImage { Features = row.Features[..64], Label = row.Label }).ToList());

    private static void AssertEqual(IReadOnlyList<NamedTensor> expected, IReadOnlyList<NamedTensor> actual, Func<string, bool> matters)
    {
        Assert.HasCount(expected.Count, actual);
        foreach (var (a, b) in expected.Zip(actual).Where(pair => matters(pair.First.Name)))
            Assert.IsTrue(a.ToString() == b.ToString() && a.Data.Span.SequenceEqual(b.Data.Span), a.Name);
    }

    private static bool IsRunning(string name) => name.Contains(".running_", StringComparison.Ordinal)
        || name.EndsWith(".num_batches_tracked", StringComparison.Ordinal);

    private static bool IsHead(string name) => name.StartsWith("fc.", StringComparison.Ordinal);

    private sealed class GreyImage
    {
        [VectorType(1, 8, 8)]
        public byte[] Features { get; set; } = [];

        public string Label { get; set; } = "";
    }
}
