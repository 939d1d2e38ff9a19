using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Training;

/// <summary>
/// Stochastic gradient descent with momentum and weight decay, as <c>torch.optim.SGD</c> computes it. With gradient g, weights w and
/// velocity v: <c>g += decay w; v = momentum v + g; w -= rate v</c> (Nesterov: <c>w -= rate (g + momentum v)</c>); the first v is g.
/// </summary>
internal sealed class StochasticGradientDescent : IDisposable
{
    private readonly IReadOnlyList<Parameter> _parameters;
    private readonly Tensor?[] _velocities;
    private readonly double _momentum;
    private readonly double _weightDecay;
    private readonly bool _nesterov;

    /// <param name="parameters">The weights; they stay the network's.</param>
    /// <param name="momentum">Part of the velocity that stays, in [0, 1).</param>
    /// <param name="weightDecay">Part of the weight that is added to its gradient; zero or more.</param>
    /// <param name="nesterov">Whether to look ahead along the velocity.</param>
    public StochasticGradientDescent(IEnumerable<Parameter> parameters, double momentum, double weightDecay, bool nesterov = false)
    {
        _parameters = [.. parameters];
        _velocities = new Tensor?[_parameters.Count];
        _momentum = momentum;
        _weightDecay = weightDecay;
        _nesterov = nesterov;
    }

    /// <summary>Forgets the gradients of the last step.</summary>
    public void ZeroGradients()
    {
        using var scope = NewDisposeScope();
        foreach (var parameter in _parameters)
            parameter.grad?.zero_();
    }

    /// <summary>Moves every weight that has a gradient.</summary>
    /// <param name="learningRate">The rate; zero or more.</param>
    public void Step(double learningRate)
    {
        using var noGradient = no_grad();
        for (var i = 0; i < _parameters.Count; i++)
        {
            using var scope = NewDisposeScope();
            var parameter = _parameters[i];
            if (parameter.grad is not { } gradient)
                continue;
            if (_weightDecay != 0)
                gradient = gradient.add(parameter, alpha: _weightDecay);
            parameter.add_(Direction(i, gradient), alpha: -learningRate);
        }
    }

    private Tensor Direction(int i, Tensor gradient)
    {
        if (_momentum == 0)
            return gradient;
        if (_velocities[i] is { } velocity)
            velocity.mul_(_momentum).add_(gradient);
        else
            _velocities[i] = velocity = gradient.clone().DetachFromDisposeScope();
        return _nesterov ? gradient.add(velocity, alpha: _momentum) : velocity;
    }

    /// <summary>Frees the velocities.</summary>
    public void Dispose()
    {
        foreach (var velocity in _velocities)
            velocity?.Dispose();
    }
}
