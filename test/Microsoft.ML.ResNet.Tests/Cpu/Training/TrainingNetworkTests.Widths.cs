using Microsoft.ML.ResNet.Network.Torch;
using Microsoft.ML.ResNet.Tests.Support;
using Microsoft.ML.ResNet.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Tests.Cpu.Training;

/// <content>Networks whose channels are no multiples of 16.</content>
public partial class TrainingNetworkTests
{
    /// <summary>Widths that are no multiples of 16: channels of zeros go with them, and nothing of that is seen.</summary>
    public static IEnumerable<object?[]> OtherWidths =>
    [
        [ResNetArchitecture.Cifar(8) with { StemWidth = 24, Stages = [new(24, 1, 1), new(40, 1, 2)] }, 3, null],
        [ResNetArchitecture.Cifar(8) with { StemWidth = 16, Stages = [new(20, 1, 1), new(100, 1, 2)] }, 1, null],
        [ResNetArchitecture.Cifar(8) with { StemWidth = 24, Stages = [new(24, 1, 1), new(28, 1, 2)], ConvolutionBias = true }, 3, null],
        [ResNetArchitecture.Cifar(8) with { StemWidth = 30, Stages = [new(30, 1, 1)], Shortcut = ResNetShortcut.BareProjection }, 3, null],
        [ResNetArchitecture.Cifar(11) with { StemWidth = 20, Stages = [new(12, 1, 1), new(15, 1, 2)] }, 3, null],
        [ResNetArchitecture.ImageNet(18) with { StemWidth = 28, Stages = [new(28, 1, 1), new(44, 1, 2)] }, 3, null],
        [ResNetArchitecture.Cifar(8) with { StemWidth = 3, Stages = [new(4, 1, 1), new(5, 1, 2)] }, 3, null],
        [ResNetArchitecture.Cifar(8) with { StemWidth = 16, Stages = [new(32, 1, 1), new(40, 1, 2)] }, 3, 1], // begins behind sixteens
        [ResNetArchitecture.Cifar(8) with { StemWidth = 24, Stages = [new(24, 1, 1), new(40, 1, 2)] }, 3, 0], // and behind others
        [ResNetArchitecture.Cifar(8) with { StemWidth = 16, Stages = [new(20, 1, 1), new(48, 1, 2)] }, 3, 1], // the same, to a projection
        [ResNetArchitecture.ImageNet(18) with { StemWidth = 28, Stages = [new(28, 1, 1), new(44, 1, 2)] }, 3, 0], // of a pooled map
        [ResNetArchitecture.Cifar(11) with { StemWidth = 12, Stages = [new(5, 2, 1), new(15, 1, 2)] }, 3, 1],
    ];

    [TestMethod]
    [DynamicData(nameof(OtherWidths))]
    public void Other_widths_get_autograds_gradients_and_running_statistics(ResNetArchitecture architecture, int channels,
        int? frozenStages)
    {
        using var scope = NewDisposeScope();
        ResidualNetwork Build()
        {
            var network = new ResidualNetwork(architecture, channels, 10);
            using (var generator = new Generator(5, CPU))
                WeightInitialization.Initialize(network, generator);
            if (frozenStages is { } frozen)
                network.Freeze(frozen);
            network.train();
            return network;
        }
        using ResidualNetwork exact = Build(), fused = Build(), again = Build(), byOne = Build();
        var images = GoldenNetwork.Images(9, [9, channels, 24, 20]).ToChannelsLast();

        exact.to(ScalarType.Float64);
        var expected = StepByAutograd(exact, images.to_type(ScalarType.Float64));
        var loss = Step(fused, images, threads: 2);
        Step(again, images, threads: 1, times: 2);
        Step(byOne, images, threads: 1);

        Assert.AreEqual(expected, loss, 1e-5 * Math.Max(1, expected));
        foreach (var ((name, truth), (other, twice)) in exact.named_parameters().Zip(fused.parameters().Zip(again.parameters())))
        {
            Assert.AreEqual(truth.grad is null, other.grad is null, name);
            if (truth.grad is null)
                continue; // frozen
            if (truth.grad.norm().item<double>() > 1e-9) // else a bias in front of a normalisation
                AssertClose(truth.grad, other.grad!, 1e-3, name);
            AssertClose(other.grad! * 2, twice.grad!, 1e-5, $"{name}, added up");
        }
        foreach (var ((name, parameter), other) in fused.named_parameters().Zip(byOne.parameters()))
            Assert.IsTrue(parameter.grad is null || parameter.grad.equal(other.grad!).all().item<bool>(), $"{name} by one thread");
        foreach (var ((name, truth), other) in exact.named_buffers().Zip(fused.buffers()))
            AssertClose(truth, other, 3e-5, name);
    }

    [TestMethod]
    public void Shortcuts_that_put_channels_in_front_of_odd_ones_are_left_to_autograd()
    {
        var plan = ResNetArchitecture.Cifar(8) with { Shortcut = ResNetShortcut.Padding, Stages = [new(24, 1, 1), new(48, 1, 2)] };
        using var network = new ResidualNetwork(plan with { StemWidth = 24 }, 3, 10);

        Assert.IsFalse(TrainingEngine.HasKernelsFor(network, 32, 32));
    }
}
