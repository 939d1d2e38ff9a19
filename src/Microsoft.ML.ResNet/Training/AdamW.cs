using System.Globalization;
using Microsoft.ML.ResNet.Cpu.Kernels;
using Microsoft.ML.ResNet.Training;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet;

/// <summary>
/// Adam with decoupled weight decay (Loshchilov, Hutter 2017, arXiv:1711.05101), as <c>torch.optim.AdamW</c> computes it. With step t,
/// gradient g and weight w: <c>w -= rate decay w; m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2;
/// w -= rate (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon)</c>.
/// </summary>
public sealed record AdamW : Optimizer
{
    /// <summary>The part of the mean gradient that a step keeps, in [0, 1). The default is 0.9.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>The part of the mean squared gradient that a step keeps, in [0, 1). The default is 0.999.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Keeps the quotient finite; above 0. The default is 1e-8.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <inheritdoc/>
    internal override ParameterUpdate Start(IReadOnlyList<TrainedParameter> parameters, bool join)
        => new AdamWUpdate(this, parameters, join);

    /// <inheritdoc/>
    internal override IEnumerable<string> Problems()
    {
        foreach (var (name, value) in new[] { (nameof(Beta1), Beta1), (nameof(Beta2), Beta2) })
            if (!(value is >= 0 and < 1))
                yield return string.Create(CultureInfo.InvariantCulture, $"AdamW.{name} is {value}; it must be at least 0 and below 1.");
        if (!(double.IsFinite(Epsilon) && Epsilon > 0))
            yield return string.Create(CultureInfo.InvariantCulture, $"AdamW.Epsilon is {Epsilon}; it must be a number above 0.");
    }

    /// <summary>As in <c>AdamW betas 0.9, 0.999</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"AdamW betas {Beta1}, {Beta2}");

    private sealed class AdamWUpdate(AdamW settings, IReadOnlyList<TrainedParameter> parameters, bool join)
        : ParameterUpdate(parameters, join)
    {
        protected override void Update(ParameterGroup group, Tensor gradient, double learningRate, WorkerTeam? team)
        {
            var weight = group.Weight;
            weight.mul_(1 - learningRate * group.WeightDecay);
            var mean = group.Remember("mean", () => zeros_like(gradient), out _);
            var square = group.Remember("square", () => zeros_like(gradient), out _);
            mean.mul_(settings.Beta1).add_(gradient, alpha: 1 - settings.Beta1);
            square.mul_(settings.Beta2).addcmul_(gradient, gradient, 1 - settings.Beta2);
            var denominator = (square / (1 - Math.Pow(settings.Beta2, Steps))).sqrt_().add_(settings.Epsilon);
            weight.addcdiv_(mean, denominator, -learningRate / (1 - Math.Pow(settings.Beta1, Steps)));
        }
    }
}
