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
    private readonly List<(Tensor Tensor, byte[] Bytes)> _learning = [];
    private IReadOnlyList<NamedTensor>? _tensors;

    /// <summary>Copies what the weights are now.</summary>
    /// <returns>All of them, which the next call overwrites.</returns>
    public IReadOnlyList<NamedTensor> Take()
    {
        if (_tensors is null)
            return _tensors = TakeFirst();
        foreach (var (tensor, bytes) in _learning)
            RawTensors.Copy(tensor, bytes);
        return _tensors;
    }

    private List<NamedTensor> TakeFirst()
    {
        var learning = StateDictionary.Learning(network).Select(entry => entry.Name).ToHashSet(StringComparer.Ordinal);
        var tensors = new List<NamedTensor>();
        foreach (var (name, tensor) in StateDictionary.Entries(network))
        {
            var bytes = new byte[checked(tensor.numel() * tensor.ElementSize)];
            RawTensors.Copy(tensor, bytes);
            if (learning.Contains(name))
                _learning.Add((tensor, bytes));
            tensors.Add(new NamedTensor(name, RawTensors.TypeOf(tensor), tensor.shape, bytes));
        }
        return tensors;
    }
}
