using Microsoft.ML.ResNet.Network.Torch;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Tests.Network;

/// <summary>Convolutions of libtorch, where they were found to give other numbers each time.</summary>
[TestClass]
public class ConvolutionTests
{
    [TestMethod]
    [DataRow(2, 12)]
    [DataRow(3, 4)]
    [DataRow(4, 8)]
    [DataRow(6, 32)]
    [DataRow(8, 16)]
    public void The_gradient_of_a_strided_projection_does_not_depend_on_what_memory_held_before(int inputs, int outputs)
    {
        ResNetRuntime.EnsureStarted();
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        var images = empty(6, inputs, 8, 8).normal_(0, 1, generator);
        var gradient = empty(6, outputs, 4, 4).normal_(0, 1, generator);
        using var convolution = new Convolution(inputs, outputs, size: 1, stride: 2);
        using (no_grad())
            convolution.weight.normal_(0, 1, generator);

        var exact = einsum("nohw,nihw->oi", gradient.to_type(ScalarType.Float64),
            images[TensorIndex.Colon, TensorIndex.Colon, TensorIndex.Slice(null, null, 2), TensorIndex.Slice(null, null, 2)]
                .to_type(ScalarType.Float64));
        for (var time = 0; time < 30; time++)
        {
            using var inner = NewDisposeScope();
            Litter(time);
            convolution.forward(images.ToChannelsLast()).backward([gradient.ToChannelsLast()]);
            var error = (convolution.weight.grad!.view(outputs, inputs).to_type(ScalarType.Float64) - exact).abs().max().item<double>();
            convolution.weight.grad!.zero_();
            Assert.IsLessThan(1e-4, error, $"time {time}");
        }
    }

    // Fills memory with large numbers and frees it, so that whoever reads what is not its own reads them.
    private static void Litter(int seed)
    {
        var random = new Random(seed);
        for (var i = 0; i < 6; i++)
            using (full(random.Next(1, 20_000), 100 * random.NextSingle()))
            {
            }
    }
}
