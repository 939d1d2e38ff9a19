using Microsoft.ML.ResNet.Cpu.Training;
using Microsoft.ML.ResNet.Network.Torch;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Training;

/// <summary>The parameters and running statistics of a network of tensors, as memory.</summary>
/// <param name="network">The network; its tensors stay its own.</param>
internal sealed unsafe class TensorParameters(nn.Module network) : IParameterMemory
{
    private readonly Dictionary<string, Tensor> _tensors = network.named_parameters().Select(entry => (entry.name, (Tensor)entry.parameter))
        .Concat(network.named_buffers().Select(entry => (entry.name, entry.buffer)))
        .ToDictionary(entry => entry.name, entry => entry.Item2, StringComparer.Ordinal);

    /// <summary>Whether a parameter wants a gradient, and can be had as memory: on the CPU, in 32 bits, and dense.</summary>
    public bool CanLearn(string name) => _tensors[name] is { requires_grad: true } parameter && TensorMemory.IsDense(parameter);

    /// <inheritdoc/>
    public float* Values(string name) => TensorMemory.PointerTo(_tensors[name]);

    /// <inheritdoc/>
    public float* Gradient(string name)
    {
        using var scope = NewDisposeScope();
        var parameter = (Parameter)_tensors[name];
        if (parameter.grad is null)
            parameter.grad = zeros_like(parameter, requires_grad: false);
        return TensorMemory.PointerTo(parameter.grad!);
    }
}
