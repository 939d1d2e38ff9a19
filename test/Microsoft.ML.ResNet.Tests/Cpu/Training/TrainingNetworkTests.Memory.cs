using Microsoft.ML.ResNet.Network.Torch;
using Microsoft.ML.ResNet.Tests.Cpu.Kernels;
using Microsoft.ML.ResNet.Tests.Support;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Tests.Cpu.Training;

/// <content>How much memory a network takes while it is trained.</content>
public partial class TrainingNetworkTests
{
    [TestMethod]
    [DataRow(128)] // Winograd's convolutions, whose gradients are gathered by elements
    [DataRow(512)] // and by blocks
    public void Another_block_of_many_weights_takes_the_memory_of_its_maps_alone(int width)
    {
        const int Images = 8, Side = 8;
        var maps = 3L * Images * Side * Side * width * sizeof(float); // of two convolutions, and of their sum with the block's input

        var added = BytesWhileTraining(blocks: 3) - BytesWhileTraining(blocks: 2);

        Assert.IsGreaterThanOrEqualTo(maps, added);
        Assert.IsLessThanOrEqualTo(1.02 * maps, added); // figures of channels; the weights of one convolution would be more than two maps

        long BytesWhileTraining(int blocks)
        {
            var allocator = new CountingAllocator();
            using var measured = new AllocatorScope(allocator);
            using var scope = NewDisposeScope();
            using var network = new ResidualNetwork(ResNetArchitecture.Cifar(8) with { Stages = [new(width, blocks, 1)] }, 3, 10);
            var bytes = 0L;
            Step(network, GoldenNetwork.Images(Images, [Images, 3, Side, Side]).ToChannelsLast(), threads: 2,
                afterStep: () => bytes = allocator.LiveBytes);
            return bytes;
        }
    }
}
