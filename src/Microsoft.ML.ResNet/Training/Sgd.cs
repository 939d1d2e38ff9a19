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
    internal override ParameterUpdate Start(IReadOnlyList<TrainedParameter> parameters) => new SgdUpdate(this, parameters);

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

    private sealed class SgdUpdate(Sgd settings, IReadOnlyList<TrainedParameter> parameters) : ParameterUpdate(parameters)
    {
        protected override void Update(TrainedParameter parameter, Tensor gradient, double learningRate)
        {
            if (settings.Momentum != 0 && TensorMemory.IsDense(parameter.Parameter) && TensorMemory.IsDense(gradient))
                UpdateAtOnce(parameter, gradient, learningRate);
            else
                UpdateByOperations(parameter, gradient, learningRate);
        }

        private void UpdateAtOnce(TrainedParameter parameter, Tensor gradient, double learningRate)
        {
            var velocity = Remember("momentum", parameter, () => zeros_like(gradient), out _);
            new SgdKernel((float)learningRate, (float)settings.Momentum, settings.Nesterov, (float)parameter.WeightDecay)
                .Step(TensorMemory.Of(parameter.Parameter), TensorMemory.Of(gradient), TensorMemory.Of(velocity));
        }

        private void UpdateByOperations(TrainedParameter parameter, Tensor gradient, double learningRate)
        {
            if (parameter.WeightDecay != 0)
                gradient = gradient.add(parameter.Parameter, alpha: parameter.WeightDecay);
            if (settings.Momentum != 0)
            {
                var velocity = Remember("momentum", parameter, gradient.clone, out var isNew);
                if (!isNew)
                    velocity.mul_(settings.Momentum).add_(gradient);
                gradient = settings.Nesterov ? gradient.add(velocity, alpha: settings.Momentum) : velocity;
            }
            parameter.Parameter.add_(gradient, alpha: -learningRate);
        }
    }
}
