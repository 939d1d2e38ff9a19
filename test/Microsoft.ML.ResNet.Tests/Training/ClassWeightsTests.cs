using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Data;
using Microsoft.ML.ResNet.Tests.Support;
using Microsoft.ML.ResNet.Training;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Tests.Training;

[TestClass]
public class ClassWeightsTests
{
    // sklearn.utils.class_weight.compute_class_weight("balanced", classes=[0, 1, 3], y=[0, 0, 0, 0, 1, 1, 3]) gives 7 / (3 * 4), 7 / (3 *
    // 2), 7 / (3 * 1).
    private static readonly long[] Labels = [0, 0, 0, 0, 1, 1, 3];

    [TestMethod]
    public void Rows_count_in_inverse_proportion_to_their_class()
    {
        var weights = Weights(Labels, own: null);

        float[] expected = [0.5833333f, 0.5833333f, 0.5833333f, 0.5833333f, 1.1666667f, 1.1666667f, 2.3333333f];
        for (var row = 0; row < Labels.Length; row++)
            Assert.AreEqual(expected[row], weights[row], 1e-6f);
    }

    [TestMethod]
    public void The_weights_of_rows_are_multiplied_in_and_the_mean_stays_1()
    {
        float[] own = [0.5f, 1.5f, 1, 1, 2, 0.5f, 0.5f]; // 1 on average
        var (balanced, both) = (Weights(Labels, own: null), Weights(Labels, own));

        Assert.AreEqual(1, both.Average(), 1e-6f);
        for (var row = 1; row < Labels.Length; row++)
            Assert.AreEqual(balanced[row] * own[row] / (balanced[0] * own[0]), both[row] / both[0], 1e-5f);
    }

    [TestMethod]
    public void A_rare_class_is_found_more_often_when_classes_are_balanced()
    {
        var census = TensorCensus.Start();
        var (plain, balanced) = (RecallOfRareClass(ClassBalance.None), RecallOfRareClass(ClassBalance.Balanced));
        census.AssertNoSurvivorsOfTraining(ResNetArchitecture.Cifar(8), networks: 2);

        Assert.IsGreaterThan(plain + 0.2, balanced);
    }

    private static float[] Weights(long[] labels, float[]? own)
    {
        var census = TensorCensus.Start();
        try
        {
            using var scope = NewDisposeScope();
            var rows = new PixelBatch(zeros([labels.Length, 1, 1, 1], ScalarType.Byte), tensor(labels), own is null ? null : tensor(own));
            using var weights = ClassWeights.Balanced(rows.Labels, rows.Weights);
            var all = weights.Apply(rows).Weights!.data<float>().ToArray();
            var some = weights.Apply(rows.Slice(4, 3)).Weights!.data<float>().ToArray();
            CollectionAssert.AreEqual(all[4..], some, "in any batch");
            return all;
        }
        finally
        {
            census.AssertNoSurvivors();
        }
    }

    // Of the third class there are 12 rows among 252.
    private static double RecallOfRareClass(ClassBalance balance)
    {
        var ml = new MLContext(seed: 1);
        var rare = TinyImages.Classes[2];
        var train = TinyImages.Rows(360).Where((row, i) => row.Label != rare || i % 30 == 2);
        var options = TinyImages.Options(epochs: 2);
        options.Recipe = options.Recipe with { ClassBalance = balance };
        var keys = ml.Transforms.Conversion.MapValueToKey("Label").Fit(TinyImages.View(ml, 3));
        using var model = ml.MulticlassClassification.Trainers.ResNet(options).Fit(keys.Transform(ml.Data.LoadFromEnumerable(train)));

        var predicted =
            model.Transform(keys.Transform(ml.Data.LoadFromEnumerable(TinyImages.Rows(300, seed: 2).Where(row => row.Label == rare))))
            .GetColumn<uint>("PredictedLabel").ToList();
        return predicted.Count(label => label == 3) / (double)predicted.Count;
    }
}
