using Microsoft.ML.ResNet.Tests.Support;
using Microsoft.ML.ResNet.Training;

namespace Microsoft.ML.ResNet.Tests.Training;

/// <summary>The range test of learning rates: which rates it tries, when it stops, what it leaves alone, and what it suggests.</summary>
[TestClass]
public class LearningRateTestTests
{
    private static readonly MLContext ML = new(seed: 1);

    [TestMethod]
    public void Rates_rise_by_one_factor_until_the_loss_explodes()
    {
        var census = TensorCensus.Start();
        var range = new LearningRateRange { Least = 1e-4, Most = 1e6, Steps = 60 };

        var points = Find(range).Points;

        census.AssertNoSurvivorsOfTraining(ResNetArchitecture.Cifar(8), networks: 1);
        Assert.IsLessThan(60, points.Count, "it stops before a rate of a million");
        for (var step = 0; step < points.Count; step++)
            Assert.AreEqual(Math.Pow(10, -4 + 10 * step / 59.0), points[step].Rate, 1e-9 * points[step].Rate);
        Assert.IsGreaterThan(4 * points.Min(point => point.SmoothedLoss), Math.Max(points[^1].SmoothedLoss, points[^1].Loss));
    }

    [TestMethod]
    public void All_rates_are_tried_where_nothing_explodes_and_the_loss_is_that_of_the_network()
    {
        var points = Find(new LearningRateRange { Least = 1e-12, Most = 1e-11, Steps = 20 }).Points;

        Assert.HasCount(20, points);
        Assert.AreEqual(1e-11, points[^1].Rate, 1e-18);
        // An untrained network of three classes guesses; nothing is learnt at such rates, so that only batches differ.
        Assert.AreEqual(Math.Log(3), points.Average(point => point.Loss), 0.6);
        Assert.AreEqual(points.Take(10).Average(point => point.Loss), points.Skip(10).Average(point => point.Loss), 0.2);
    }

    [TestMethod]
    public void The_same_seed_finds_the_same_and_a_recipe_goes_on_as_if_nothing_had_been()
    {
        var options = TinyImages.Options(epochs: 1);
        using var trained = Trainer(options).Fit(Images());
        var before = trained.Model.Network.Weights.Select(tensor => tensor.Data.ToArray()).ToList();
        options.InitialModel = trained.Model;
        var range = new LearningRateRange { Steps = 20 };

        var (one, two) = (Trainer(options).FindLearningRate(Images(), range), Trainer(options).FindLearningRate(Images(), range));

        CollectionAssert.AreEqual(one.Points.Select(point => point.Loss).ToArray(), two.Points.Select(point => point.Loss).ToArray());
        foreach (var (was, now) in before.Zip(trained.Model.Network.Weights))
            CollectionAssert.AreEqual(was, now.Data.ToArray());
        Assert.IsLessThan(Find(range).Points[0].Loss, one.Points[0].Loss, "it starts from the model's weights");
    }

    [TestMethod]
    public void A_recipe_that_makes_its_batches_smaller_is_tried_at_the_rates_that_it_will_make_of_them()
    {
        var range = new LearningRateRange { Least = 0.001, Most = 1, Steps = 50 };
        var asked = TrainingRecipe.Fast with { BatchSize = 64 };

        var recipe = LearningRateTest.Recipe(asked, range, rows: 640, new ImageShape(3, 8, 8)); // 20 steps of 32

        Assert.AreEqual((32, 0.5), (recipe.BatchSize, recipe.LearningRate));
        Assert.AreEqual(3, recipe.NumberOfEpochs);
        Assert.AreEqual(0.001, recipe.Schedule.Factor(0), 1e-12);
        Assert.AreEqual(1, recipe.Schedule.Factor(49 / 60.0), 1e-9);
        Assert.AreEqual(1, recipe.Schedule.Factor(59 / 60.0), 1e-12);
    }

    [TestMethod]
    public void The_smoothed_loss_is_a_weighted_mean_of_the_losses_so_far()
    {
        double[] losses = [2, 3, 1, 5, 0.5];
        var smooth = new SmoothLoss();

        for (var last = 0; last < losses.Length; last++)
        {
            var weights = Enumerable.Range(0, last + 1).Select(index => Math.Pow(0.9, last - index)).ToArray();
            Assert.AreEqual(weights.Zip(losses, (weight, loss) => weight * loss).Sum() / weights.Sum(), smooth.Add(losses[last]), 1e-12);
        }
    }

    [TestMethod]
    [DataRow(0.01, 150)]
    [DataRow(0.3, 150)]
    [DataRow(0.3, 40)]
    public void Useful_rates_go_from_four_fifths_of_the_fall_to_a_fifth_of_the_rise(double center, int steps)
    {
        // A loss that falls from 2 to 1 along a logistic curve, four fifths of it by ln(4)/4 decades above the centre; it rises with the
        // fourth power of the rate, by a fifth at 0.2^(1/4) of thirty times the centre.
        var (lowest, highest) = (Math.Log10(center) + Math.Log(4) / 4, Math.Log10(center * 30) + Math.Log10(0.2) / 4);

        var curve = Curve(center, steps, recipeRate: center * 8);

        Assert.AreEqual(lowest, Math.Log10(curve.LowestUseful!.Value), 0.2, "in decades");
        Assert.AreEqual(highest, Math.Log10(curve.HighestUseful!.Value), 0.4, "in decades; means over 0.4 decades see the rise early");
        StringAssert.StartsWith($"{curve}", FormattableString.Invariant($"rate {curve.Suggestion:g2} (useful: "));
        StringAssert.EndsWith($"{curve}", $", of {steps} steps from 1e-05 to 10");
    }

    [TestMethod]
    public void The_suggestion_is_the_recipes_rate_where_that_is_useful_and_else_the_nearest_that_is()
    {
        var useful = Curve(center: 0.01, steps: 150, recipeRate: 0.06);

        Assert.AreEqual(0.06, useful.Suggestion);
        Assert.AreEqual(useful.LowestUseful, Curve(0.01, 150, recipeRate: 1e-4).Suggestion);
        Assert.AreEqual(useful.HighestUseful, Curve(0.01, 150, recipeRate: 5).Suggestion);
        Assert.AreEqual(10, Curve(1, 150, recipeRate: 20).Suggestion!.Value, 1e-9, "the loss never rose");
    }

    [TestMethod]
    public void A_loss_that_rises_or_is_noise_suggests_nothing()
    {
        for (var seed = 0; seed < 20; seed++)
        {
            var random = new Random(seed);
            Assert.IsNull(new LearningRateCurve([.. Enumerable.Range(0, 150).Select(step => (Math.Pow(10, step / 25.0 - 5),
                2 + random.NextDouble()))], 0.1).Suggestion);
        }
        Assert.IsNull(new LearningRateCurve([.. Enumerable.Range(0, 50).Select(step => (Math.Pow(10, step / 10.0 - 5), 2.0 + step))], 0.1)
            .Suggestion);
        Assert.IsNull(new LearningRateCurve([(0.1, 2), (0.2, 1)], 0.1).Suggestion, "two points are no curve");
    }

    [TestMethod]
    public void Progress_goes_to_the_last_step_and_a_cancelled_test_stops()
    {
        var options = TinyImages.Options();
        using var cancellation = new CancellationTokenSource();
        var reports = new List<TrainingProgress>();
        options.Progress = new Listener(reports.Add);

        Trainer(options).FindLearningRate(Images(), new LearningRateRange { Least = 1e-6, Most = 1e-5, Steps = 30 });

        Assert.AreEqual((1, 1, 30, 30), (reports[^1].Epoch, reports[^1].NumberOfEpochs, reports[^1].Step, reports[^1].StepsPerEpoch));
        options.CancellationToken = cancellation.Token;
        options.Progress = new Listener(_ => cancellation.Cancel());
        Assert.ThrowsExactly<OperationCanceledException>(() => Trainer(options).FindLearningRate(Images()));
    }

    [TestMethod]
    [DataRow(0, 1, 100)]
    [DataRow(1, 1, 100)]
    [DataRow(0.1, double.PositiveInfinity, 100)]
    [DataRow(0.1, 1, 19)]
    public void A_range_that_is_none_is_refused(double least, double most, int steps)
        => Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Find(new() { Least = least, Most = most, Steps = steps }));

    private static LearningRateCurve Curve(double center, int steps, double recipeRate)
    {
        var noise = new Random(1);
        return new LearningRateCurve([.. Enumerable.Range(0, steps).Select(step => Math.Pow(10, -5 + 6.0 * step / (steps - 1)))
            .Select(rate => (rate, 2 - 1 / (1 + Math.Exp(-4 * Math.Log10(rate / center))) + Math.Pow(rate / center / 30, 4)
                + 0.05 * (noise.NextDouble() - 0.5)))], recipeRate);
    }

    private static LearningRateCurve Find(LearningRateRange range) => Trainer(TinyImages.Options()).FindLearningRate(Images(), range);

    private static IDataView Images()
    {
        var images = TinyImages.View(ML, 90);
        return ML.Transforms.Conversion.MapValueToKey("Label").Fit(images).Transform(images);
    }

    private static ResNetTrainer Trainer(ResNetTrainer.Options options) => ML.MulticlassClassification.Trainers.ResNet(options);

    private sealed class Listener(Action<TrainingProgress> listen) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => listen(value);
    }
}
