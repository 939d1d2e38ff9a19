using Microsoft.ML.ResNet.Network.Torch;
using Microsoft.ML.ResNet.Tests.Support;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Tests.Network;

[TestClass]
public class WeightInitializationTests
{
    [TestMethod]
    public void Convolutions_follow_Hes_normal_distribution_over_fan_out()
    {
        using var scope = NewDisposeScope();
        using var network = Initialized(seed: 1);

        var weight = StateDictionary.Entries(network).Single(entry => entry.Name == "layer4.1.conv2.weight").Tensor; // 512 x 512 x 3 x 3

        Assert.AreEqual(Math.Sqrt(2.0 / (512 * 9)), weight.std().item<float>(), 1e-4);
        Assert.AreEqual(0, weight.mean().item<float>(), 1e-4);
        Assert.IsGreaterThan(0.1f, weight.abs().max().item<float>(), "a normal distribution has tails");
    }

    [TestMethod]
    public void The_classifier_follows_PyTorchs_uniform_distribution()
    {
        using var scope = NewDisposeScope();
        using var network = Initialized(seed: 1);

        var weight = StateDictionary.Entries(network).Single(entry => entry.Name == "fc.weight").Tensor; // 10 x 512

        var bound = 1 / Math.Sqrt(512);
        Assert.AreEqual(bound, weight.abs().max().item<float>(), bound / 100);
        Assert.AreEqual(bound / Math.Sqrt(3), weight.std().item<float>(), bound / 50);
    }

    [TestMethod]
    public void A_seed_decides_every_weight_and_leaves_the_process_wide_random_state_alone()
    {
        using var scope = NewDisposeScope();
        var before = get_rng_state().bytes.ToArray();

        using var first = Initialized(seed: 5);
        using var second = Initialized(seed: 5);
        using var other = Initialized(seed: 6);

        CollectionAssert.AreEqual(before, get_rng_state().bytes.ToArray());
        CollectionAssert.AreEqual(Bytes(first), Bytes(second));
        CollectionAssert.AreNotEqual(Bytes(first), Bytes(other));
    }

    [TestMethod]
    public void A_network_frees_its_tensors_and_outlives_the_scope_it_was_built_in()
    {
        var census = TensorCensus.Start();
        ResidualNetwork network;
        using (NewDisposeScope())
            network = new ResidualNetwork(ResNetArchitecture.Cifar(8), 3, 10);

        Assert.IsFalse(network.parameters().First().IsInvalid);
        network.Dispose();
        census.AssertNoSurvivors();
    }

    private static ResidualNetwork Initialized(ulong seed)
    {
        var network = new ResidualNetwork(ResNetArchitecture.ImageNet(18), 3, 10);
        using var generator = new Generator(seed, CPU);
        WeightInitialization.Initialize(network, generator);
        return network;
    }

    private static byte[] Bytes(ResidualNetwork network) => [.. StateDictionary.Save(network).SelectMany(tensor => tensor.Data.ToArray())];
}
