using Microsoft.ML.ResNet.Network.Torch;
using Microsoft.ML.ResNet.Tests.Support;
using Microsoft.ML.ResNet.Training;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Tests.Training;

[TestClass]
public class WeightAverageTests
{
    [TestMethod]
    public void The_average_follows_its_formula_and_leaves_the_weights_alone()
    {
        var census = TensorCensus.Start();
        using (var network = new ResidualNetwork(ResNetArchitecture.Cifar(8), 3, 10))
        using (var average = new WeightAverage(network, decay: 0.9))
        using (NewDisposeScope())
        using (no_grad())
        {
            var bias = StateDictionary.Entries(network).Single(entry => entry.Name == "fc.bias").Tensor; // starts as 0
            var expected = 0.0;
            for (var step = 0; step < 200; step++)
            {
                bias.fill_(step % 7);
                average.Update(step);
                var decay = Math.Min(0.9, (1.0 + step) / (10.0 + step));
                expected = decay * expected + (1 - decay) * (step % 7);
            }

            Assert.AreEqual(199 % 7, bias[0].item<float>());
            average.Exchange();
            Assert.AreEqual(expected, bias[0].item<float>(), 1e-4);
            average.Exchange();
            Assert.AreEqual(199 % 7, bias[0].item<float>());
        }
        census.AssertNoSurvivors();
    }
}
