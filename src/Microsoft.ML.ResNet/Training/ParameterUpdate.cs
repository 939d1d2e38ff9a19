using Microsoft.ML.ResNet.Cpu.Kernels;
using Microsoft.ML.ResNet.Network.Torch;
using Microsoft.ML.ResNet.Tensors;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Training;

/// <summary>An optimiser at work: it holds what it must remember of each weight between steps, and frees it when disposed.</summary>
internal abstract class ParameterUpdate : IDisposable
{
    private readonly IReadOnlyList<ParameterGroup> _groups;

    /// <summary>Begins to optimise.</summary>
    /// <param name="parameters">The weights; they stay the network's.</param>
    /// <param name="join">Whether a step moves weights together: <see cref="ParameterGroup.Of"/>.</param>
    protected ParameterUpdate(IReadOnlyList<TrainedParameter> parameters, bool join) => _groups = ParameterGroup.Of(parameters, join);

    /// <summary>Steps so far.</summary>
    public long Steps { get; private set; }

    /// <summary>
    /// Copies what is remembered: one tensor for each name, such as <c>momentum.fc.weight</c>. Together with <see cref="Steps"/> it is all
    /// that a resumed training needs.
    /// </summary>
    public IReadOnlyList<NamedTensor> Save()
    {
        using var scope = NewDisposeScope();
        return [.. _groups.SelectMany(group => group.Memory).Select(entry => RawTensors.Save(entry.Name, entry.Tensor))];
    }

    /// <summary>Goes on from what was remembered before.</summary>
    /// <param name="steps">Steps so far.</param>
    /// <param name="memory">What was remembered, as <see cref="Save"/> names it.</param>
    /// <exception cref="FormatException">It is of another weight than those that are trained, or of another shape.</exception>
    public void Restore(long steps, IEnumerable<NamedTensor> memory)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        foreach (var group in _groups)
            group.Forget();
        Steps = steps;
        foreach (var tensor in memory)
        {
            var (kind, name) = tensor.Name.Split('.', 2) is [var first, var rest] ? (first, rest) : ("", tensor.Name);
            var remembered = _groups.Select(group => group.MemoryOf(kind, name)).FirstOrDefault(found => found is not null)
                ?? throw new FormatException($"Its optimiser remembers {UntrustedText.Quote(tensor.Name)}; no such weight is trained.");
            RawTensors.Load(remembered, tensor);
        }
    }

    /// <summary>Forgets the gradients of the last step.</summary>
    public void ZeroGradients()
    {
        foreach (var group in _groups)
            group.ZeroGradient();
    }

    /// <summary>
    /// Scales all gradients down together so that their joint L2 norm is at most <paramref name="maximumNorm"/>, as PyTorch's
    /// <c>clip_grad_norm_</c> does.
    /// </summary>
    public void ClipGradients(double maximumNorm)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var gradients = _groups.Select(group => group.Gradient).OfType<Tensor>().ToList();
        var norm = OneThread.Run(() => stack(gradients.Select(gradient => gradient.norm())).norm());
        var scale = (maximumNorm / (norm + 1e-6)).clamp_max(1);
        foreach (var gradient in gradients)
            gradient.mul_(scale);
    }

    /// <summary>Moves every weight that has a gradient. Gradients are of no use afterwards: some are forgotten on the way.</summary>
    /// <param name="learningRate">The rate; zero or more.</param>
    /// <param name="team">Threads to share the work with; <see langword="null"/>, the default, for none.</param>
    public void Step(double learningRate, WorkerTeam? team = null)
    {
        using var noGradient = no_grad();
        Steps++;
        foreach (var group in _groups)
        {
            using var scope = NewDisposeScope();
            if (group.Gradient is { } gradient)
                Update(group, gradient, learningRate, team);
        }
    }

    /// <summary>Moves the weights of a group. Runs in a dispose scope, without gradients.</summary>
    protected abstract void Update(ParameterGroup group, Tensor gradient, double learningRate, WorkerTeam? team);

    /// <summary>Frees what is remembered.</summary>
    public void Dispose()
    {
        foreach (var group in _groups)
            group.Dispose();
    }
}
