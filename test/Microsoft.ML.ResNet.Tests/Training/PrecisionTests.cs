using Microsoft.ML.ResNet.Network.Torch;
using Microsoft.ML.ResNet.Tests.Support;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Tests.Training;

/// <summary>Convolutions in bfloat16 while a network learns; everything else in float32.</summary>
[TestClass]
public class PrecisionTests
{
    [TestMethod]
    [DataRow("cifar-20")]
    [DataRow("imagenet-18")] // with pooling in the stem
    [DataRow("d2l-resnet18-1channel")] // with biases
    public void Loss_and_gradients_in_bfloat16_are_those_of_float32_to_its_precision(string name)
    {
        ResNetRuntime.EnsureStarted();
        using var scope = NewDisposeScope();
        var golden = new GoldenNetwork(name);
        using var exact = golden.Build(ResNetArchitecture.Parse(name));
        using var mixed = golden.Build(ResNetArchitecture.Parse(name));
        mixed.Precision = TrainingPrecision.BFloat16;

        var (expected, loss) = (Step(exact, golden), Step(mixed, golden));

        Assert.AreNotEqual(expected, loss);
        Assert.AreEqual(expected, loss, 0.02 * expected);
        foreach (var (parameter, other) in exact.parameters().Zip(mixed.parameters()))
        {
            Assert.AreEqual(ScalarType.Float32, other.dtype);
            Assert.AreEqual(ScalarType.Float32, other.grad!.dtype);
        }
        Assert.AreEqual(GradientNorm(exact), GradientNorm(mixed), 0.05 * GradientNorm(exact));
    }

    [TestMethod]
    public void Evaluation_stays_in_float32()
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var golden = new GoldenNetwork("cifar-20");
        using var network = golden.Build(ResNetArchitecture.Cifar(20));
        network.eval();
        var expected = network.forward(golden.Images());

        network.Precision = TrainingPrecision.BFloat16;

        Assert.IsTrue(network.forward(golden.Images()).equal(expected).all().item<bool>());
    }

    [TestMethod]
    public void A_training_in_bfloat16_learns_and_leaves_no_tensor_behind()
    {
        var ml = new MLContext(seed: 1);
        var options = TinyImages.Options(epochs: 6);
        options.Recipe = options.Recipe with { Precision = TrainingPrecision.BFloat16 };
        var losses = new List<double>();
        options.MetricsCallback = report => losses.Add(report.TrainLoss);
        var data = ml.Transforms.Conversion.MapValueToKey("Label").Fit(TinyImages.View(ml, 60)).Transform(TinyImages.View(ml, 60));
        var census = TensorCensus.Start();

        ml.MulticlassClassification.Trainers.ResNet(options).Fit(data).Dispose();

        census.AssertNoSurvivorsOfTraining(ResNetArchitecture.Cifar(8), networks: 1);
        Assert.IsLessThan(0.7 * losses[0], losses[^1]);
        StringAssert.Contains(options.Recipe.ToString(), "bfloat16");
    }

    private static double Step(ResidualNetwork network, GoldenNetwork golden)
    {
        network.train();
        var loss = nn.functional.cross_entropy(network.forward(golden.Images().ToChannelsLast()),
            GoldenNetwork.Labels(golden.InputShape[0]));
        loss.backward();
        return loss.item<float>();
    }

    private static double GradientNorm(ResidualNetwork network)
        => Math.Sqrt(network.parameters().Sum(parameter => parameter.grad!.to_type(ScalarType.Float64).square().sum().item<double>()));
}
