using Microsoft.ML.ResNet.Tests.Support;
using Microsoft.ML.ResNet.Training;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Tests.Training;

/// <summary>Our optimisers against TorchSharp's, which follow PyTorch's.</summary>
[TestClass]
public class OptimizerTests
{
    private const int Steps = 20;

    [TestMethod]
    [DataRow(0.0, false, 0.0)]
    [DataRow(0.9, false, 0.01)]
    [DataRow(0.9, true, 0.01)]
    public void Sgd_is_PyTorchs(double momentum, bool nesterov, double decay)
        => AssertSame(new Sgd { Momentum = momentum, Nesterov = nesterov }, decay,
            parameters => optim.SGD(parameters, 0.1, momentum, weight_decay: decay, nesterov: nesterov));

    [TestMethod]
    [DataRow(0.9, 0.999, 0.0)]
    [DataRow(0.8, 0.95, 0.05)]
    public void AdamW_is_PyTorchs(double beta1, double beta2, double decay)
        => AssertSame(new AdamW { Beta1 = beta1, Beta2 = beta2 }, decay,
            parameters => optim.AdamW(parameters, 0.1, beta1, beta2, weight_decay: decay));

    [TestMethod]
    public void Clipping_is_PyTorchs()
    {
        using var scope = NewDisposeScope();
        foreach (var maximumNorm in new[] { 0.5, 1e6 })
        {
            var (ours, theirs) = (Weights(), Weights());
            using var update = new Sgd().Start([.. ours.Select((weight, i) => new TrainedParameter($"{i}", weight, 0))]);
            Loss(ours, step: 0).backward();
            Loss(theirs, step: 0).backward();

            update.ClipGradients(maximumNorm);
            nn.utils.clip_grad_norm_(theirs, maximumNorm);

            foreach (var (our, their) in ours.Zip(theirs))
                Assert.IsTrue(our.grad!.allclose(their.grad!, rtol: 1e-5));
        }
    }

    [TestMethod]
    public void Memory_is_freed_with_the_optimiser()
    {
        using var scope = NewDisposeScope();
        var weights = Weights();
        Loss(weights, step: 0).backward();
        var census = TensorCensus.Start();
        using (var update = new AdamW().Start([.. weights.Select((weight, i) => new TrainedParameter($"{i}", weight, 0))]))
        {
            update.Step(0.1);
            CollectionAssert.AreEquivalent(new[] { "mean.0", "square.0", "mean.1", "square.1" }, update.Memory.Keys.ToArray());
        }
        census.AssertNoSurvivors();
    }

    private static void AssertSame(Optimizer optimizer, double decay, Func<IEnumerable<Parameter>, optim.Optimizer> create)
    {
        using var scope = NewDisposeScope();
        var (ours, theirs) = (Weights(), Weights());
        using var update = optimizer.Start([.. ours.Select((weight, i) => new TrainedParameter($"{i}", weight, decay))]);
        using var reference = create(theirs);
        for (var step = 0; step < Steps; step++)
        {
            update.ZeroGradients();
            Loss(ours, step).backward();
            update.Step(0.1);

            reference.zero_grad();
            Loss(theirs, step).backward();
            reference.step();
        }
        foreach (var (our, their) in ours.Zip(theirs))
            Assert.IsTrue(our.allclose(their, rtol: 1e-5, atol: 1e-6),
                $"{our.ToString(TorchSharp.TensorStringStyle.Julia)} {their.ToString(TorchSharp.TensorStringStyle.Julia)}");
    }

    private static Parameter[] Weights() => [new(linspace(1, 7, 2 * 37).view(2, 37)), new(tensor(new[] { 0.5f, -2f }))];

    // A loss whose gradients change with the weights and from step to step.
    private static Tensor Loss(Parameter[] weights, int step) => (weights[0].square().sum() + (weights[1] * (step + 1)).sin().sum()) * 0.3;
}
