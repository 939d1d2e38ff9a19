using System.Globalization;
using Microsoft.ML.ResNet.Cpu.Kernels;
using Microsoft.ML.ResNet.Network.Torch;
using Microsoft.ML.ResNet.Training;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet;

/// <summary>
/// Stochastic gradient descent with momentum, as <c>torch.optim.SGD</c> computes it. With gradient g, weight w and velocity v:
/// <c>g += decay w; v = momentum v + g; w -= rate v</c>, the first v being g. Nesterov's variant looks ahead along the velocity:
/// <c>w -= rate (g + momentum v)</c>.
/// </summary>
public sealed record Sgd : Optimizer
{
    /// <summary>The part of the velocity that a step keeps, in [0, 1). The default is 0.9.</summary>
    public double Momentum { get; init; } = 0.9;

    /// <summary>Whether to look ahead; needs momentum. The default is not to.</summary>
    public bool Nesterov { get; init; }

    /// <inheritdoc/>
    internal override ParameterUpdate Start(IReadOnlyList<TrainedParameter> parameters, bool join)
        => new SgdUpdate(this, parameters, join);

    /// <inheritdoc/>
    internal override IEnumerable<string> Problems()
    {
        if (!(Momentum is >= 0 and < 1))
            yield return string.Create(CultureInfo.InvariantCulture, $"Sgd.Momentum is {Momentum}; it must be at least 0 and below 1.");
        if (Nesterov && Momentum == 0)
            yield return "Sgd.Nesterov needs a momentum above 0.";
    }

    /// <summary>As in <c>SGD momentum 0.9 Nesterov</c>.</summary>
    public override string ToString()
        => string.Create(CultureInfo.InvariantCulture, $"SGD momentum {Momentum}{(Nesterov ? " Nesterov" : "")}");

    private sealed class SgdUpdate(Sgd settings, IReadOnlyList<TrainedParameter> parameters, bool join) : ParameterUpdate(parameters, join)
    {
        private const int WeightsAtATime = 1 << 16; // 256 KiB, which are worth the way to another thread

        protected override void Update(ParameterGroup group, Tensor gradient, double learningRate, WorkerTeam? team)
        {
            if (settings.Momentum != 0 && TensorMemory.IsDense(group.Weight) && TensorMemory.IsDense(gradient))
                UpdateAtOnce(group, gradient, learningRate, team);
            else
                UpdateByOperations(group, gradient, learningRate);
        }

        private unsafe void UpdateAtOnce(ParameterGroup group, Tensor gradient, double learningRate, WorkerTeam? team)
        {
            var velocity = group.Remember("momentum", () => zeros_like(gradient), out _);
            var kernel = new SgdKernel((float)learningRate, (float)settings.Momentum, settings.Nesterov, (float)group.WeightDecay);
            float* weights = TensorMemory.PointerTo(group.Weight), gradients = TensorMemory.PointerTo(gradient),
                velocities = TensorMemory.PointerTo(velocity);
            var count = group.Weight.numel();
            var pieces = (int)Math.Max(1, count / WeightsAtATime);
            if (team is null || pieces == 1)
                StepPart(0, count);
            else
                team.Run(pieces, (piece, _) => StepPart(count * piece / pieces, count * (piece + 1) / pieces));
            group.MarkGradientZero();

            void StepPart(long first, long end)
            {
                var length = checked((int)(end - first));
                kernel.Step(new(weights + first, length), new(gradients + first, length), new(velocities + first, length));
            }
        }

        private void UpdateByOperations(ParameterGroup group, Tensor gradient, double learningRate)
        {
            if (group.WeightDecay != 0)
                gradient = gradient.add(group.Weight, alpha: group.WeightDecay);
            if (settings.Momentum != 0)
            {
                var velocity = group.Remember("momentum", gradient.clone, out var isNew);
                if (!isNew)
                    velocity.mul_(settings.Momentum).add_(gradient);
                gradient = settings.Nesterov ? gradient.add(velocity, alpha: settings.Momentum) : velocity;
            }
            group.Weight.add_(gradient, alpha: -learningRate);
        }
    }
}
