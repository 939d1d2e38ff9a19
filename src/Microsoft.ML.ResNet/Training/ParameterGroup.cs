using Microsoft.ML.ResNet.Network.Torch;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Training;

/// <summary>A weight that training changes.</summary>
/// <param name="Name">Its name in the state dictionary.</param>
/// <param name="Parameter">The weight; it stays the network's.</param>
/// <param name="WeightDecay">How much of it a step takes away, as the optimiser understands that; zero or more.</param>
internal readonly record struct TrainedParameter(string Name, Parameter Parameter, double WeightDecay);

/// <summary>Weights that a step moves by one and the same operations, and what the optimiser remembers of them.</summary>
internal sealed class ParameterGroup : IDisposable
{
    private readonly IReadOnlyList<TrainedParameter> _parameters;
    private readonly JoinedTensors? _joined; // where weights are joined, even a single one
    private readonly Dictionary<string, Tensor> _memory = new(StringComparer.Ordinal); // by kind, such as momentum
    private Tensor? _gradient; // of joined weights, of this step
    private bool _isZero; // the gradient of a single weight

    private ParameterGroup(IReadOnlyList<TrainedParameter> parameters, bool join)
    {
        _parameters = parameters;
        _joined = join ? new JoinedTensors([.. parameters.Select(parameter => parameter.Parameter)]) : null;
    }

    /// <summary>Makes groups of weights.</summary>
    /// <param name="parameters">The weights.</param>
    /// <param name="join">
    /// Whether weights that shrink alike become views of one tensor, which a step moves as a whole; else each is a group of its own.
    /// </param>
    public static IReadOnlyList<ParameterGroup> Of(IReadOnlyList<TrainedParameter> parameters, bool join)
        => join
            ? [.. parameters.GroupBy(parameter => parameter.WeightDecay).Select(alike => new ParameterGroup([.. alike], join: true))]
            : [.. parameters.Select(parameter => new ParameterGroup([parameter], join: false))];

    /// <summary>How much a step takes away, as the optimiser understands that; zero or more.</summary>
    public double WeightDecay => _parameters[0].WeightDecay;

    /// <summary>The weights; they stay the network's.</summary>
    public Tensor Weight => _joined?.All ?? _parameters[0].Parameter;

    /// <summary>Their gradient, like <see cref="Weight"/>; <see langword="null"/> where there is none. It stays this object's.</summary>
    public Tensor? Gradient => _joined is null ? _parameters[0].Parameter.grad : _gradient ??= Gathered();

    /// <summary>
    /// What is remembered of each weight, by names such as <c>momentum.fc.weight</c>. To be enumerated in a dispose scope, which frees the
    /// views that stand for joined weights.
    /// </summary>
    public IEnumerable<(string Name, Tensor Tensor)> Memory => _memory.SelectMany(entry
        => _parameters.Select((parameter, index) => ($"{entry.Key}.{parameter.Name}", PartOf(index, entry.Value))));

    /// <summary>Tells that the gradient of a single weight has become zero, in its place.</summary>
    public void MarkGradientZero() => _isZero = true;

    /// <summary>Forgets the gradient.</summary>
    public void ZeroGradient()
    {
        using var scope = NewDisposeScope();
        if (_joined is null)
        {
            if (!_isZero)
                _parameters[0].Parameter.grad?.zero_(); // in place: the next gradient is written there
            _isZero = false;
            return;
        }
        ForgetSingleGradients();
        _gradient?.Dispose();
        _gradient = null;
    }

    /// <summary>Finds what is remembered under a name, or begins to remember it.</summary>
    /// <param name="kind">What it is, such as <c>momentum</c>.</param>
    /// <param name="first">Makes the first value, like <see cref="Weight"/>.</param>
    /// <param name="isNew">Whether it was made just now.</param>
    public Tensor Remember(string kind, Func<Tensor> first, out bool isNew)
    {
        isNew = !_memory.TryGetValue(kind, out var tensor);
        return tensor ?? (_memory[kind] = first().DetachFromDisposeScope());
    }

    /// <summary>What is remembered of one weight, zeros at first, to be written to.</summary>
    /// <param name="kind">What it is, such as <c>momentum</c>.</param>
    /// <param name="name">The weight's name.</param>
    /// <returns><see langword="null"/> where it is not one of these weights. It stays this object's, or an open scope's.</returns>
    public Tensor? MemoryOf(string kind, string name)
    {
        for (var index = 0; index < _parameters.Count; index++)
            if (_parameters[index].Name == name)
                return PartOf(index, Remember(kind, () => zeros_like(Weight, requires_grad: false), out _));
        return null;
    }

    /// <summary>Frees what is remembered; the weights stay.</summary>
    public void Dispose()
    {
        Forget();
        _gradient?.Dispose();
        _joined?.Dispose();
    }

    /// <summary>Forgets all that is remembered.</summary>
    public void Forget()
    {
        foreach (var tensor in _memory.Values)
            tensor.Dispose();
        _memory.Clear();
    }

    private Tensor PartOf(int index, Tensor memory) => _joined?.PartOf(index, memory) ?? memory;

    private void ForgetSingleGradients()
    {
        foreach (var (_, parameter, _) in _parameters)
            parameter.grad = null;
    }

    // A weight that nothing depended on has a gradient of zeros.
    private Tensor? Gathered()
    {
        using var scope = NewDisposeScope();
        var gradients = _parameters.Select(parameter => parameter.Parameter.grad).ToList();
        if (gradients.TrueForAll(gradient => gradient is null))
            return null;
        var joined = JoinedTensors.Join(_parameters.Zip(gradients,
            (parameter, gradient) => gradient ?? zeros_like(parameter.Parameter, requires_grad: false))).DetachFromDisposeScope();
        ForgetSingleGradients(); // or they would take their memory twice
        return joined;
    }
}
