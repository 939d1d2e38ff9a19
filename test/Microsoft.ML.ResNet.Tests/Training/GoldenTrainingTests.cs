using System.Text.Json;
using Microsoft.ML.ResNet.Network.Torch;
using Microsoft.ML.ResNet.Tests.Support;
using Microsoft.ML.ResNet.Training;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Tests.Training;

/// <summary>Ten steps of training against PyTorch's (<c>Golden/training.json</c>).</summary>
[TestClass]
public class GoldenTrainingTests
{
    [TestMethod]
    public void Ten_steps_of_stochastic_gradient_descent_are_PyTorchs()
    {
        ResNetRuntime.EnsureStarted();
        using var scope = NewDisposeScope();
        var facts = JsonDocument.Parse(File.ReadAllBytes(GoldenNoise.Path("training.json"))).RootElement;
        var rates = Doubles(facts.GetProperty("learning_rates"));
        var expectedLosses = Doubles(facts.GetProperty("losses"));
        using var network = new GoldenNetwork("cifar-20").Build(ResNetArchitecture.Cifar(20));
        using var optimizer = new Sgd()
            .Start([.. network.named_parameters().Select(p => new TrainedParameter(p.name, p.parameter, WeightDecay: 5e-4))], join: false);
        using var images = GoldenNetwork.Images(64, [64, 3, 32, 32]);
        using var labels = GoldenNetwork.Labels(64);

        network.train();
        for (var step = 0; step < rates.Length; step++)
        {
            var first = step * 16 % 64;
            var loss = nn.functional.cross_entropy(network.forward(images[first..(first + 16)].ToChannelsLast()),
                labels[first..(first + 16)]);
            Assert.AreEqual(expectedLosses[step], loss.item<float>(), 2e-3 * expectedLosses[step], $"loss before step {step}");
            optimizer.ZeroGradients();
            loss.backward();
            optimizer.Step(rates[step]);
        }

        var norm = Math.Sqrt(network.parameters()
            .Sum(parameter => parameter.detach().to_type(ScalarType.Float64).square().sum().item<double>()));
        Assert.AreEqual(facts.GetProperty("final_parameter_norm").GetDouble(), norm, 1e-6 * norm);
    }

    private static double[] Doubles(JsonElement array) => [.. array.EnumerateArray().Select(value => value.GetDouble())];
}
