using Microsoft.ML.ResNet.Network.Torch;
using Microsoft.ML.ResNet.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Training;

/// <summary>A weight that training changes.</summary>
/// <param name="Name">Its name in the state dictionary.</param>
/// <param name="Parameter">The weight; it stays the network's.</param>
/// <param name="WeightDecay">How much of it a step takes away, as the optimiser understands that; zero or more.</param>
internal readonly record struct TrainedParameter(string Name, Parameter Parameter, double WeightDecay);

/// <summary>An optimiser at work: it holds what it must remember of each weight between steps, and frees it when disposed.</summary>
internal abstract class ParameterUpdate(IReadOnlyList<TrainedParameter> parameters) : IDisposable
{
    private readonly Dictionary<string, Tensor> _memory = [];

    /// <summary>
    /// What is remembered: one tensor for each name, such as <c>momentum.fc.weight</c>. Together with <see cref="Steps"/> it is all that a
    /// resumed training needs.
    /// </summary>
    public IReadOnlyDictionary<string, Tensor> Memory => _memory;

    /// <summary>Steps so far.</summary>
    public long Steps { get; private set; }

    /// <summary>Goes on from what was remembered before.</summary>
    /// <param name="steps">Steps so far.</param>
    /// <param name="memory">What was remembered, as <see cref="Memory"/> names it.</param>
    /// <exception cref="FormatException">It is of another weight than those that are trained, or of another shape.</exception>
    public void Restore(long steps, IEnumerable<NamedTensor> memory)
    {
        Dispose();
        Steps = steps;
        var byName = parameters.ToDictionary(parameter => parameter.Name, parameter => parameter.Parameter);
        foreach (var tensor in memory)
        {
            // In the memory layout of the weight, which is that of its gradient.
            var name = tensor.Name[(tensor.Name.IndexOf('.', StringComparison.Ordinal) + 1)..];
            if (!byName.TryGetValue(name, out var weight))
                throw new FormatException($"Its optimiser remembers {UntrustedText.Quote(tensor.Name)}; no such weight is trained.");
            var restored = _memory[tensor.Name] = zeros_like(weight, requires_grad: false).DetachFromDisposeScope();
            RawTensors.Load(restored, tensor);
        }
    }

    /// <summary>Forgets the gradients of the last step.</summary>
    public void ZeroGradients()
    {
        using var scope = NewDisposeScope();
        foreach (var (_, parameter, _) in parameters)
            parameter.grad?.zero_();
    }

    /// <summary>
    /// Scales all gradients down together so that their joint L2 norm is at most <paramref name="maximumNorm"/>, as PyTorch's
    /// <c>clip_grad_norm_</c> does.
    /// </summary>
    public void ClipGradients(double maximumNorm)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var gradients = parameters.Select(p => p.Parameter.grad).OfType<Tensor>().ToList();
        var norm = OneThread.Run(() => stack(gradients.Select(gradient => gradient.norm())).norm());
        var scale = (maximumNorm / (norm + 1e-6)).clamp_max(1);
        foreach (var gradient in gradients)
            gradient.mul_(scale);
    }

    /// <summary>Moves every weight that has a gradient.</summary>
    /// <param name="learningRate">The rate; zero or more.</param>
    public void Step(double learningRate)
    {
        using var noGradient = no_grad();
        Steps++;
        foreach (var parameter in parameters)
        {
            using var scope = NewDisposeScope();
            if (parameter.Parameter.grad is { } gradient)
                Update(parameter, gradient, learningRate);
        }
    }

    /// <summary>Moves one weight. Runs in a dispose scope, without gradients.</summary>
    protected abstract void Update(TrainedParameter parameter, Tensor gradient, double learningRate);

    /// <summary>Finds what is remembered under a name, or begins to remember it.</summary>
    /// <param name="kind">What it is, such as <c>momentum</c>.</param>
    /// <param name="parameter">Whose it is.</param>
    /// <param name="first">Makes the first value.</param>
    /// <param name="isNew">Whether it was made just now.</param>
    protected Tensor Remember(string kind, TrainedParameter parameter, Func<Tensor> first, out bool isNew)
    {
        var name = $"{kind}.{parameter.Name}";
        isNew = !_memory.TryGetValue(name, out var tensor);
        return tensor ?? (_memory[name] = first().DetachFromDisposeScope());
    }

    /// <summary>Frees what is remembered.</summary>
    public void Dispose()
    {
        foreach (var tensor in _memory.Values)
            tensor.Dispose();
        _memory.Clear();
    }
}
