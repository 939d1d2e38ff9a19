using Microsoft.ML.ResNet.Cpu.Kernels;
using Microsoft.ML.ResNet.Network.Torch;
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
    [DataRow(0.0, false, 0.0, false)]
    [DataRow(0.9, false, 0.01, false)]
    [DataRow(0.9, true, 0.01, false)]
    [DataRow(0.0, false, 0.0, true)]
    [DataRow(0.9, false, 0.01, true)]
    [DataRow(0.9, true, 0.01, true)]
    public void Sgd_is_PyTorchs(double momentum, bool nesterov, double decay, bool join)
        => AssertSame(new Sgd { Momentum = momentum, Nesterov = nesterov }, decay, join,
            parameters => optim.SGD(parameters, 0.1, momentum, weight_decay: decay, nesterov: nesterov));

    [TestMethod]
    [DataRow(0.9, 0.999, 0.0, false)]
    [DataRow(0.8, 0.95, 0.05, false)]
    [DataRow(0.8, 0.95, 0.05, true)]
    public void AdamW_is_PyTorchs(double beta1, double beta2, double decay, bool join)
        => AssertSame(new AdamW { Beta1 = beta1, Beta2 = beta2 }, decay, join,
            parameters => optim.AdamW(parameters, 0.1, beta1, beta2, weight_decay: decay));

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Clipping_is_PyTorchs(bool join)
    {
        using var scope = NewDisposeScope();
        foreach (var maximumNorm in new[] { 0.5, 1e6 })
        {
            var (ours, theirs) = (Weights(), Weights());
            using var update = new Sgd { Momentum = 0 }.Start(Trained(ours, decay: 0), join);
            Loss(ours, step: 0).backward();
            Loss(theirs, step: 0).backward();

            update.ClipGradients(maximumNorm);
            nn.utils.clip_grad_norm_(theirs, maximumNorm);

            // What a step takes away is the gradient, as it was clipped.
            update.Step(1);
            foreach (var (our, their) in ours.Zip(theirs))
                Assert.IsTrue(our.allclose(their - their.grad!, rtol: 1e-5, atol: 1e-6));
        }
    }

    [TestMethod]
    public void Threads_that_share_a_large_weight_move_it_as_one_does()
    {
        using var scope = NewDisposeScope();
        using var team = new WorkerTeam(3);
        Parameter[] Large() => [new Parameter(linspace(1, 2, 3 * 65536 + 5))];
        Parameter[] alone = Large(), shared = Large();
        using var one = new Sgd { Nesterov = true }.Start(Trained(alone, decay: 0.1), join: false);
        using var three = new Sgd { Nesterov = true }.Start(Trained(shared, decay: 0.1), join: false);
        for (var step = 0; step < 3; step++)
        {
            foreach (var (weights, update, threads) in new[] { (alone, one, null), (shared, three, team) })
            {
                update.ZeroGradients();
                (weights[0] * weights[0]).sum().backward();
                update.Step(0.1, threads);
            }
            Assert.IsTrue(alone[0].equal(shared[0]).all().item<bool>(), $"step {step}");
        }
        Assert.IsFalse(alone[0].equal(Large()[0]).any().item<bool>(), "every weight has moved");
    }

    [TestMethod]
    public void A_gradient_of_a_step_that_never_came_is_forgotten()
    {
        using var scope = NewDisposeScope();
        Parameter[] calm = Weights(), interrupted = Weights();
        using var ofCalm = new Sgd().Start(Trained(calm, decay: 0), join: false);
        using var ofInterrupted = new Sgd().Start(Trained(interrupted, decay: 0), join: false);
        for (var step = 0; step < 2; step++)
        {
            ofCalm.ZeroGradients();
            Loss(calm, step).backward();
            ofCalm.Step(0.1);

            ofInterrupted.ZeroGradients();
            Loss(interrupted, step: 7).backward(); // and then something is thrown
            ofInterrupted.ZeroGradients();
            Loss(interrupted, step).backward();
            ofInterrupted.Step(0.1);
        }
        foreach (var (weight, other) in calm.Zip(interrupted))
            Assert.IsTrue(weight.equal(other).all().item<bool>());
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Memory_is_freed_with_the_optimiser(bool join)
    {
        using var scope = NewDisposeScope();
        var weights = Weights();
        Loss(weights, step: 0).backward();
        var census = TensorCensus.Start();
        using (var update = new AdamW().Start(Trained(weights, decay: 0), join))
        {
            update.Step(0.1);
            CollectionAssert.AreEquivalent(new[] { "mean.0", "square.0", "mean.1", "square.1", "mean.2", "square.2" },
                update.Save().Select(tensor => tensor.Name).ToArray());
        }
        census.AssertNoSurvivors();
    }

    // In 64 bits, because those of 32 go through the CPU's kernel, whether joined or not: a device has these operations.
    [TestMethod]
    public void Joined_weights_move_by_operations_as_single_ones_do_bit_for_bit()
    {
        using var scope = NewDisposeScope();
        Parameter[] single = InDouble(), joined = InDouble();
        var sgd = new Sgd { Nesterov = true };
        using var ofSingle = sgd.Start(Trained(single, decay: 0.01), join: false);
        using var ofJoined = sgd.Start(Trained(joined, decay: 0.01), join: true);
        for (var step = 0; step < Steps; step++)
            foreach (var (weights, update) in new[] { (single, ofSingle), (joined, ofJoined) })
            {
                update.ZeroGradients();
                Loss(weights, step).backward();
                update.Step(0.1);
            }
        foreach (var (one, other) in single.Zip(joined))
            Assert.IsTrue(one.equal(other).all().item<bool>());

        static Parameter[] InDouble() => [.. Weights().Select(weight => new Parameter(weight.detach().to_type(ScalarType.Float64)))];
    }

    // The weights in channels-last memory among them: views of a joint tensor lie as they lay.
    [TestMethod]
    public void Joined_weights_move_as_single_ones_do_bit_for_bit_and_go_on_from_what_either_remembers()
    {
        using var scope = NewDisposeScope();
        var (single, joined) = (Weights(), Weights());
        var sgd = new Sgd { Nesterov = true };
        using var ofSingle = sgd.Start(DecayedButVectors(single), join: false);
        using var ofJoined = sgd.Start(DecayedButVectors(joined), join: true);
        for (var step = 0; step < Steps; step++)
        {
            foreach (var (weights, update) in new[] { (single, ofSingle), (joined, ofJoined) })
            {
                update.ZeroGradients();
                Loss(weights, step).backward();
                update.Step(0.1);
            }
            if (step != Steps / 2)
                continue;
            var (remembered, other) = (ofSingle.Save(), ofJoined.Save());
            foreach (var tensor in remembered)
                CollectionAssert.AreEqual(tensor.Data.ToArray(), other.Single(entry => entry.Name == tensor.Name).Data.ToArray());
            ofJoined.Restore(ofSingle.Steps, remembered);
            ofSingle.Restore(ofJoined.Steps, other);
        }
        foreach (var (one, other) in single.Zip(joined))
        {
            CollectionAssert.AreEqual(one.stride(), other.stride());
            Assert.IsTrue(one.equal(other).all().item<bool>());
        }

        static List<TrainedParameter> DecayedButVectors(Parameter[] weights)
            => [.. weights.Select((weight, i) => new TrainedParameter($"{i}", weight, weight.dim() > 1 ? 0.01 : 0))];
    }

    private static void AssertSame(Optimizer optimizer, double decay, bool join, Func<IEnumerable<Parameter>, optim.Optimizer> create)
    {
        using var scope = NewDisposeScope();
        var (ours, theirs) = (Weights(), Weights());
        using var update = optimizer.Start(Trained(ours, decay), join);
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

    private static List<TrainedParameter> Trained(Parameter[] weights, double decay)
        => [.. weights.Select((weight, i) => new TrainedParameter($"{i}", weight, decay))];

    private static Parameter[] Weights() => [new(linspace(1, 7, 2 * 37).view(2, 37)), new(tensor(new[] { 0.5f, -2f })),
        new(linspace(-1, 1, 4 * 3 * 3 * 3).view(4, 3, 3, 3).ToChannelsLast())];

    // A loss whose gradients change with the weights and from step to step.
    private static Tensor Loss(Parameter[] weights, int step)
        => (weights[0].square().sum() + (weights[1] * (step + 1)).sin().sum() + weights[2].exp().sum()) * 0.3;
}
