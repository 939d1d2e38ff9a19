using Microsoft.ML.ResNet.Network.Torch;
using Microsoft.ML.ResNet.Tests.Support;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Tests.Training;

[TestClass]
public class TrainingRecipeTests
{
    /// <summary>Every technique that a recipe can switch on beside its optimiser and schedule.</summary>
    public static IEnumerable<object[]> Techniques =>
    [
        [TrainingRecipe.Tutorial with { Mix = new Mixup(1), MicroBatchSize = 5 }],
        [TrainingRecipe.Tutorial with { Mix = new CutMix { Probability = 0.5 }, ClassBalance = ClassBalance.Balanced,
            LabelSmoothing = 0.1 }],
        [TrainingRecipe.Tutorial with { ZeroInitResiduals = true }],
        [TrainingRecipe.Fast],
    ];

    [TestMethod]
    public void Named_recipes_are_usable_and_say_all_that_they_do()
    {
        Assert.IsEmpty(TrainingRecipe.Tutorial.Problems());
        Assert.IsEmpty(TrainingRecipe.Fast.Problems());
        var everything = TrainingRecipe.Tutorial with
        {
            Mix = new Mixup(),
            ClassBalance = ClassBalance.Balanced,
            TestTimeFlip = true,
            ZeroInitResiduals = true
        };
        StringAssert.EndsWith(everything.ToString(),
            "augmentation crop(4) | flip, mixup(0.2), classes balanced, flip at test time, residuals start at 0");
    }

    [TestMethod]
    [DynamicData(nameof(Techniques))]
    public void A_technique_learns_the_same_twice_and_leaves_no_tensor_behind(TrainingRecipe recipe)
    {
        var census = TensorCensus.Start();
        double[] first = Losses(recipe), second = Losses(recipe);
        census.AssertNoSurvivorsOfTraining(ResNetArchitecture.Cifar(8), networks: 2);

        CollectionAssert.AreEqual(first, second);
        Assert.IsLessThan(first[0], first[^1], $"It learns: {string.Join(", ", first)}.");
    }

    [TestMethod]
    [DataRow("cifar-8")]
    [DataRow("cifar-11")]
    public void Blocks_whose_residuals_start_at_0_are_their_shortcuts(string architecture)
    {
        ResNetRuntime.EnsureStarted();
        using var scope = NewDisposeScope();
        using var network = new ResidualNetwork(ResNetArchitecture.Parse(architecture), 3, 10);
        using (var generator = new Generator(1, CPU))
            WeightInitialization.Initialize(network, generator);

        WeightInitialization.ZeroResiduals(network);

        var last = architecture == "cifar-8" ? ".bn2.weight" : ".bn3.weight";
        foreach (var (name, weight) in StateDictionary.Entries(network)
            .Where(entry => entry.Name.Contains("bn", StringComparison.Ordinal)
            && entry.Name.EndsWith(".weight", StringComparison.Ordinal)))
            Assert.AreEqual(name.EndsWith(last, StringComparison.Ordinal) ? 0 : weight.shape[0], weight.sum().item<float>(), name);
    }

    private static double[] Losses(TrainingRecipe recipe)
    {
        var ml = new MLContext(seed: 1);
        var losses = new List<double>();
        var options = TinyImages.Options(); // without augmentation: a flip moves what tells these classes apart
        (options.Recipe, options.MetricsCallback) =
            (recipe with { NumberOfEpochs = 4, BatchSize = 16, LearningRate = 0.05, Augmentation = AugmentationPolicy.None },
            report => losses.Add(report.TrainLoss));
        var keys = ml.Transforms.Conversion.MapValueToKey("Label").Fit(TinyImages.View(ml, 3));
        ml.MulticlassClassification.Trainers.ResNet(options).Fit(keys.Transform(TinyImages.View(ml, 100))).Dispose();
        return [.. losses];
    }
}
