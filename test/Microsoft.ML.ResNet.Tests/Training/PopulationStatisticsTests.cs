using Microsoft.ML.ResNet.Data;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Network.Torch;
using Microsoft.ML.ResNet.Tests.Support;
using Microsoft.ML.ResNet.Training;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Tests.Training;

/// <summary>Where an epoch has few steps, batch normalisation evaluates by what the training images are, not by what they were.</summary>
[TestClass]
public class PopulationStatisticsTests
{
    private const int Rows = 40;

    private static readonly Normalization Half = new([0.5f, 0.5f, 0.5f], [0.25f, 0.25f, 0.25f]);

    [TestMethod]
    [DataRow(16)]
    [DataRow(Rows)]
    public void The_stems_statistics_are_those_of_its_output_over_all_images(int batchSize)
    {
        using var scope = NewDisposeScope();
        using var images = Images();
        using var network = Network();
        using var engine = new TrainingEngine(network, TinyImages.Shape);

        PopulationStatistics.Measure(network, engine, Input(images), batchSize, () => { });

        using var noGradient = no_grad();
        var outputs = network.children().OfType<Convolution>().Single().forward(Half.Apply(images.PixelsOf(0, Rows)))
            .to_type(ScalarType.Float64);
        AssertClose(outputs.mean([0, 2, 3]), network.children().OfType<BatchNorm>().Single().running_mean);
        AssertClose(outputs.var([0, 2, 3], unbiased: false), network.children().OfType<BatchNorm>().Single().running_var);
    }

    [TestMethod]
    public void Nothing_but_running_statistics_changes()
    {
        using var images = Images();
        using var network = Network();
        using var engine = new TrainingEngine(network, TinyImages.Shape);
        var before = StateDictionary.Save(network);

        PopulationStatistics.Measure(network, engine, Input(images), batchSize: 16, () => { });

        foreach (var (old, now) in before.Zip(StateDictionary.Save(network)))
            Assert.AreEqual(old.Name.Contains("running_", StringComparison.Ordinal), !old.Data.Span.SequenceEqual(now.Data.Span), old.Name);
    }

    [TestMethod]
    public void After_few_steps_validation_on_the_training_images_is_as_good_as_training()
    {
        var running = ValidationLoss(NormStatistics.Running);
        var measured = ValidationLoss(NormStatistics.Auto);

        Assert.IsLessThan(1.2, measured); // three classes: 1.1 is what a network gives that knows nothing
        Assert.IsLessThan(running, measured);
    }

    [TestMethod]
    [DataRow(64, 1000, 64, 0.2)]
    [DataRow(64, 313, 16, 0.05)]
    [DataRow(64, 700, 32, 0.1)]
    [DataRow(64, 20, 16, 0.05)]
    [DataRow(8, 20, 8, 0.2)]
    public void A_recipe_that_asks_for_steps_halves_batch_and_rate_until_there_are_so_many(int batch, int rows, int expected, double rate)
    {
        var recipe = (TrainingRecipe.Fast with { BatchSize = batch, MinimumStepsPerEpoch = 15 }).For(rows, new ImageShape(3, 32, 32));

        Assert.AreEqual(expected, recipe.BatchSize);
        Assert.AreEqual(rate, recipe.LearningRate, 1e-12);
    }

    [TestMethod]
    public void The_classic_recipe_keeps_its_batch_however_few_images_there_are()
        => Assert.AreEqual(TrainingRecipe.Tutorial, TrainingRecipe.Tutorial.For(20, new ImageShape(3, 32, 32)));

    [TestMethod]
    [DataRow(19, NormStatistics.Auto, true)]
    [DataRow(20, NormStatistics.Auto, false)]
    [DataRow(1, NormStatistics.Running, false)]
    [DataRow(1000, NormStatistics.Measured, true)]
    public void Statistics_are_measured_where_an_epoch_has_few_steps(int steps, NormStatistics statistics, bool expected)
        => Assert.AreEqual(expected, (TrainingRecipe.Tutorial with { NormStatistics = statistics }).MeasuresStatistics(steps));

    private static double ValidationLoss(NormStatistics statistics)
    {
        var mlContext = new MLContext(seed: 1);
        var data = TinyImages.View(mlContext, Rows);
        var options = TinyImages.Options(epochs: 2);
        options.Recipe = options.Recipe with { NormStatistics = statistics, LearningRate = 0.2 };
        data = mlContext.Transforms.Conversion.MapValueToKey("Label").Fit(data).Transform(data);
        using var model = mlContext.MulticlassClassification.Trainers.ResNet(options).Fit(data, data);
        return model.Model.Network.History[^1].ValidationLoss!.Value;
    }

    private static LayerInput Input(PixelStore images) => new(images, pixels => Half.Apply(pixels));

    private static ResidualNetwork Network()
    {
        var network = new ResidualNetwork(ResNetArchitecture.Cifar(8), 3, 3);
        using var generator = new Generator(1, CPU);
        WeightInitialization.Initialize(network, generator);
        return network;
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

    // The variance of a batch is the unbiased one: 1 / (images x pixels) above the other at most.
    private static void AssertClose(Tensor expected, Tensor actual)
    {
        var (want, got) = (expected.to_type(ScalarType.Float32).data<float>().ToArray(), actual.data<float>().ToArray());
        for (var channel = 0; channel < want.Length; channel++)
            Assert.AreEqual(want[channel], got[channel], 2e-3 * Math.Max(0.1, Math.Abs(want[channel])), $"channel {channel}");
    }
}
