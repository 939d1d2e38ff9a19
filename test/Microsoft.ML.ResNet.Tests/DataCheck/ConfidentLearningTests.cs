using Microsoft.ML.ResNet.Reports.DataCheck;

namespace Microsoft.ML.ResNet.Tests.DataCheck;

/// <summary>Labels that look wrong, against an example worked out by hand, and learners against what they were drawn from.</summary>
[TestClass]
public class ConfidentLearningTests
{
    // Two classes. Own probabilities of class 0: 0.9, 0.7, 0.2; mean 0.6. Of class 1: 0.8, 0.4, 0.9; mean 0.7.
    private static readonly int[] Labels = [0, 0, 0, 1, 1, 1];

    private static readonly float[] Probabilities =
    [
        0.9f, 0.1f, // 1.50 of class 0, 0.14 of class 1: right
        0.7f, 0.3f, // 1.17 and 0.43: right
        0.2f, 0.8f, // 0.33 and 1.14: suspected, 0.29
        0.2f, 0.8f, // 0.33 and 1.14: right
        0.6f, 0.4f, // 1.00 and 0.57: suspected, 0.57
        0.1f, 0.9f, // 0.17 and 1.29: right
    ];

    [TestMethod]
    public void Thresholds_are_the_mean_of_what_images_have_of_their_own_label()
    {
        var thresholds = ConfidentLearning.Thresholds(Probabilities, Labels, 2);

        Assert.AreEqual(0.6, thresholds[0], 1e-6);
        Assert.AreEqual(0.7, thresholds[1], 1e-6);
    }

    [TestMethod]
    public void Images_with_more_of_another_class_are_suspected_the_surest_first()
    {
        var suspects = ConfidentLearning.Find(Probabilities, Labels, 2, mostOfLabel: 1);

        CollectionAssert.AreEqual(new[] { (2, 1), (4, 0) }, suspects.Select(suspect => (suspect.Image, suspect.Suggested)).ToArray());
    }

    [TestMethod]
    public void A_label_that_keeps_more_than_its_part_is_not_suspected()
    {
        var suspects = ConfidentLearning.Find(Probabilities, Labels, 2, mostOfLabel: 0.3);

        Assert.AreEqual(2, suspects.Single().Image);
    }

    [TestMethod]
    public void Flipped_labels_of_three_clouds_are_found_and_nothing_else()
    {
        const int Width = 8, Count = 300;
        var random = new Random(1);
        var truth = Enumerable.Range(0, Count).Select(image => image % 3).ToArray();
        var features = truth.SelectMany(label => Enumerable.Range(0, Width)
            .Select(i => (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble())
                + (i == label ? 8 : 0)))).ToArray();
        int[] flipped = [5, 50, 123, 222, 299];
        var labels = truth.Select((label, image) => flipped.Contains(image) ? (label + 1) % 3 : label).ToArray();

        var probabilities = OutOfFold.Probabilities(features, Width, labels, 3, new(), progress: null, CancellationToken.None);
        var suspects = ConfidentLearning.Find(probabilities, labels, 3, mostOfLabel: 0.3);

        CollectionAssert.AreEqual(flipped, suspects.Select(suspect => suspect.Image).Order().ToArray());
        Assert.IsTrue(suspects.All(suspect => suspect.Suggested == truth[suspect.Image]));
    }

    [TestMethod]
    public void The_same_seed_gives_the_same_probabilities()
    {
        var random = new Random(2);
        var features = Enumerable.Range(0, 60 * 4).Select(_ => random.NextSingle()).ToArray();
        var labels = Enumerable.Range(0, 60).Select(image => image % 2).ToArray();

        float[] Run() => OutOfFold.Probabilities(features, 4, labels, 2, new(), progress: null, CancellationToken.None);

        CollectionAssert.AreEqual(Run(), Run());
    }

    [TestMethod]
    public void The_minimum_of_Rosenbrocks_valley_is_at_one_and_one()
    {
        float[] place = [-1.2f, 1];

        Lbfgs.Minimise(place, (at, gradient) =>
        {
            var (x, y) = (at[0], at[1]);
            gradient[0] = -2 * (1 - x) - 400 * x * (y - x * x);
            gradient[1] = 200 * (y - x * x);
            return (1.0 - x) * (1 - x) + 100.0 * (y - x * x) * (y - x * x);
        }, iterations: 200, tolerance: 0, CancellationToken.None);

        Assert.AreEqual(1, place[0], 1e-2);
        Assert.AreEqual(1, place[1], 2e-2);
    }
}
