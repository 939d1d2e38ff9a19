using System.Runtime.InteropServices;
using Microsoft.ML.ResNet.Network.Torch;
using Microsoft.ML.ResNet.Tensors;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Training;

/// <summary>
/// A copy of a network's weights that is made again and again in the same memory: a new one for every epoch would leave several behind
/// until the garbage collector comes. Frozen weights are copied once.
/// </summary>
/// <param name="network">The network; it stays the caller's.</param>
internal sealed class WeightCopy(ResidualNetwork network)
{
    private IReadOnlyList<NamedTensor>? _tensors;
    private (Tensor Tensor, Memory<byte> Copy)[] _learning = [];

    /// <summary>Copies what the weights are now.</summary>
    /// <returns>All of them, which the next call overwrites.</returns>
    public IReadOnlyList<NamedTensor> Take()
    {
        if (_tensors is null)
        {
            _tensors = StateDictionary.Save(network);
            var copies = _tensors.ToDictionary(tensor => tensor.Name, tensor => MemoryMarshal.AsMemory(tensor.Data),
                StringComparer.Ordinal);
            _learning = [.. StateDictionary.Learning(network).Select(entry => (entry.Tensor, copies[entry.Name]))];
        }
        else
            foreach (var (tensor, copy) in _learning)
                RawTensors.Copy(tensor, copy.Span);
        return _tensors;
    }
}
