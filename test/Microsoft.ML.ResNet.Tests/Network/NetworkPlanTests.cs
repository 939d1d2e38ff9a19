using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Network.Torch;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Tests.Network;

/// <summary>Torch's modules do what the plan says, step by step.</summary>
[TestClass]
public class NetworkPlanTests
{
    [TestMethod]
    [DynamicData(nameof(ResNetArchitectureTests.Plans), typeof(ResNetArchitectureTests))]
    public void Modules_have_the_kernels_strides_and_biases_of_the_plan(ResNetArchitecture architecture)
    {
        using var network = new ResidualNetwork(architecture, channels: 3, classes: 7);
        var modules = network.named_modules().ToDictionary(entry => entry.name, entry => entry.module);

        var steps = network.PlanFor(64, 48).Steps.OfType<ConvolutionStep>().ToList();
        foreach (var step in steps)
        {
            var convolution = (Convolution)modules[step.Name];
            Assert.AreEqual(step.Kernel, convolution.weight.shape[3], step.Name);
            Assert.AreEqual(step.Stride, convolution.Stride, step.Name);
            Assert.AreEqual(step.HasBias, convolution.bias is not null, step.Name);
            Assert.AreEqual(step.Norm is not null, step.Norm is not null && modules[step.Norm] is BatchNorm, step.Name);
        }
        Assert.HasCount(modules.Values.OfType<Convolution>().Count(), steps);
        Assert.HasCount(modules.Values.OfType<BatchNorm>().Count(), steps.Where(step => step.Norm is not null));
    }

    [TestMethod]
    [DynamicData(nameof(ResNetArchitectureTests.Plans), typeof(ResNetArchitectureTests))]
    public void Modules_deliver_maps_of_the_sizes_of_the_plan(ResNetArchitecture architecture)
    {
        using var scope = NewDisposeScope();
        using var network = new ResidualNetwork(architecture, channels: 3, classes: 7);
        network.eval();
        using var noGradient = no_grad();
        var modules = network.named_modules().ToDictionary(entry => entry.name, entry => entry.module);
        var steps = network.PlanFor(13, 18).Steps.OfType<ConvolutionStep>().Take(60).ToList();

        foreach (var step in steps)
            Assert.AreEqual(step.Output.ToString(), Delivered(step.Name, step.Input.Output), step.Name);
        foreach (var block in steps.Where(step => step.Stage > 0).GroupBy(step => step.Block).SkipLast(1))
            Assert.AreEqual(block.Last().Output.ToString(), Delivered(block.Key, block.First().Input.Output), block.Key);

        string Delivered(string name, ImageShape input)
        {
            using var inner = NewDisposeScope();
            var output = ((nn.Module<Tensor, Tensor>)modules[name]).forward(zeros(1, input.Channels, input.Height, input.Width));
            return string.Join('x', output.shape.Skip(1));
        }
    }

    [TestMethod]
    public void Steps_read_only_steps_before_them_and_what_is_added_has_the_same_shape()
    {
        foreach (var plan in ResNetArchitectureTests.Plans.Select(row => NetworkPlan.Of((ResNetArchitecture)row[0], new(3, 33, 40), 5)))
        {
            var before = new HashSet<PlanStep>();
            foreach (var step in plan.Steps)
            {
                Assert.IsTrue(step.Reads.All(before.Contains), step.Name);
                if (step is ConvolutionStep { Adds: { } added })
                    Assert.AreEqual(step.Output, added.Output, step.Name);
                before.Add(step);
            }
        }
    }

    [TestMethod]
    public void Limits_are_the_same_for_training_and_for_saving()
    {
        Assert.IsTrue(ModelLimits.Allow(new ImageShape(4, 4096, 4096)));
        Assert.IsFalse(ModelLimits.Allow(new ImageShape(4, 4096, 4097)));
        Assert.IsFalse(ModelLimits.Allow(new ImageShape(1, 16_385, 1)));
        Assert.IsFalse(ModelLimits.Allow(new ImageShape(5, 1, 1)));
        Assert.IsFalse(ModelLimits.Allow(new ImageShape(4, 1 << 15, 1 << 15)), "its size overflows an int");
        var wide = ResNetArchitecture.Cifar(8) with { Stages = [new(1 << 21, 1, 1)] };
        StringAssert.Contains(string.Join(' ', ModelLimits.Problems(wide)), "1048576");
    }
}
