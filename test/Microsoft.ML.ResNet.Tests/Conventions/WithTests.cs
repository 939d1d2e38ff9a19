using System.Reflection;

namespace Microsoft.ML.ResNet.Tests.Conventions;

/// <summary>What F# and Visual Basic have for <c>with</c>: one method with a parameter for every property.</summary>
[TestClass]
public class WithTests
{
    [TestMethod]
    public void Every_property_of_a_recipe_can_be_changed_by_With() => AssertChangesEach(TrainingRecipe.Tutorial, TrainingRecipe.Fast
        with
    {
        NormStatistics = NormStatistics.Measured,
        WeightDecay = 0.01,
        GradientClipNorm = 1,
        MicroBatchSize = 8,
        BatchShards = 4,
        WeightAverageDecay = 0.99,
        BestBy = ValidationMetric.Loss,
        EarlyStopping = new EarlyStopping(),
        Precision = TrainingPrecision.BFloat16,
        Mix = new Mixup(),
        CachedViews = 3,
        StandardizeFeatures = true,
        ClassBalance = ClassBalance.Balanced,
        ZeroInitResiduals = true,
    });

    [TestMethod]
    public void Every_property_of_an_architecture_can_be_changed_by_With()
        => AssertChangesEach(ResNetArchitecture.Cifar(20), ResNetArchitecture.ImageNet(50) with
        {
            Shortcut = ResNetShortcut.Padding,
            ConvolutionBias = true,
            Naming = ResNetNaming.D2l,
        });

    [TestMethod]
    public void With_of_nothing_is_the_same_recipe()
    {
        Assert.AreEqual(TrainingRecipe.Fast, TrainingRecipe.Fast.With());
        Assert.AreEqual(TrainingRecipe.Fast with { NumberOfEpochs = 5 }, TrainingRecipe.Fast.With(numberOfEpochs: 5));
        Assert.AreEqual(ResNetArchitecture.Cifar(20) with { StemWidth = 32 }, ResNetArchitecture.Cifar(20).With(stemWidth: 32));
    }

    // 'other' differs from 'value' in every property; one argument after the other makes it one property more alike.
    private static void AssertChangesEach<T>(T value, T other) where T : notnull
    {
        var properties = typeof(T).GetProperties(BindingFlags.Instance | BindingFlags.Public).Where(property => property.CanWrite).ToList();
        var with = typeof(T).GetMethod("With")!;
        Assert.HasCount(properties.Count, with.GetParameters(), "With has a parameter for each property");

        foreach (var (property, place) in properties.Select((property, place) => (property, place)))
        {
            var wish = property.GetValue(other);
            Assert.AreNotEqual(property.GetValue(value), wish, $"the test changes {property.Name}");
            var parameter = Array.FindIndex(with.GetParameters(),
                parameter => string.Equals(parameter.Name, property.Name, StringComparison.OrdinalIgnoreCase));
            var arguments = new object?[properties.Count];
            arguments[parameter] = wish;

            var changed = with.Invoke(value, arguments);

            foreach (var one in properties)
                Assert.AreEqual(one.GetValue(one == property ? other : value), one.GetValue(changed), $"{one.Name} after With of {place}");
        }
    }
}
