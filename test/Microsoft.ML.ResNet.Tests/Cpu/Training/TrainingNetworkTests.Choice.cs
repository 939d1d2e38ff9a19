using Microsoft.ML.ResNet.Network.Torch;
using Microsoft.ML.ResNet.Tests.Support;
using Microsoft.ML.ResNet.Training;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Tests.Cpu.Training;

/// <content>Which networks go through the kernels, and which are left to autograd.</content>
public partial class TrainingNetworkTests
{
    [TestMethod]
    public void Shortcuts_without_weights_that_drop_channels_are_left_to_autograd()
    {
        var plan = ResNetArchitecture.Cifar(8) with { Shortcut = ResNetShortcut.Padding, Stages = [new(32, 1, 1), new(16, 1, 2)] };
        using var network = new ResidualNetwork(plan, 3, 10);

        Assert.IsFalse(TrainingEngine.HasKernelsFor(network, 32, 32));
    }

    [TestMethod]
    public void Images_whose_maps_no_index_reaches_are_left_to_autograd()
    {
        using var network = new ResidualNetwork(ResNetArchitecture.Cifar(20), 3, 10);

        Assert.IsTrue(TrainingEngine.HasKernelsFor(network, 4094, 4094)); // 16 channels and a border fill 2^28 floats
        Assert.IsFalse(TrainingEngine.HasKernelsFor(network, 4095, 4094));
    }

    [TestMethod]
    [DataRow(512)]
    [DataRow(1024)] // its sizes overflowed: an access violation, writes past a block, and a NullReferenceException
    [DataRow(1040)]
    public void A_wide_early_stage_counts_too(int width)
    {
        var plan = ResNetArchitecture.Cifar(8) with { Stages = [new(width, 1, 1), new(16, 1, 2)] };
        using var network = new ResidualNetwork(plan, 1, 2);

        Assert.IsTrue(TrainingEngine.HasKernelsFor(network, 256, 256));
        Assert.IsFalse(TrainingEngine.HasKernelsFor(network, 2048, 2048));
    }

    [TestMethod]
    public void A_network_with_a_weight_that_does_not_learn_is_left_to_autograd()
    {
        using var network = new ResidualNetwork(ResNetArchitecture.Cifar(20), 3, 10);
        Assert.IsTrue(TrainingEngine.HasKernelsFor(network, 32, 32));

        network.parameters().First().requires_grad_(false);

        Assert.IsFalse(TrainingEngine.HasKernelsFor(network, 32, 32));
    }

    [TestMethod]
    public void Grey_images_may_go_through_a_frozen_stem()
    {
        using var scope = NewDisposeScope();
        using var network = new ResidualNetwork(ResNetArchitecture.Cifar(8), 1, 10);
        using (var generator = new Generator(1, CPU))
            WeightInitialization.Initialize(network, generator);
        network.Freeze(0);
        network.train();

        Step(network, GoldenNetwork.Images(5, [5, 1, 16, 16]).ToChannelsLast(), threads: 1);

        Assert.IsTrue(network.parameters().All(parameter => parameter.requires_grad == parameter.grad is not null));
    }

    [TestMethod]
    public void Nothing_is_left_to_fuse_where_all_stages_are_frozen()
    {
        using var network = new ResidualNetwork(ResNetArchitecture.Cifar(8), 3, 10);
        network.Freeze(3);
        Assert.IsFalse(TrainingEngine.HasKernelsFor(network, 32, 32));
    }
}
