using Microsoft.ML.ResNet.Network.Torch;
using Microsoft.ML.ResNet.Tensors;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Training;

/// <summary>
/// An exponential moving average of a network's weights and running statistics, but for the frozen ones, which stay:
/// <c>average = d average + (1 - d) weights</c> after every step, with <c>d = min(decay, (1 + step) / (10 + step))</c>, so that the random
/// start is soon forgotten (as TensorFlow's
/// <c>ExponentialMovingAverage</c> does). The average often does better than the last weights (Polyak, Juditsky 1992).
/// </summary>
internal sealed class WeightAverage : IDisposable
{
    private readonly List<(string Name, Tensor Weight, Tensor Average)> _pairs;
    private readonly double _decay;

    /// <param name="network">The network; its weights stay its own.</param>
    /// <param name="decay">The part of the average that a step keeps, in (0, 1).</param>
    public WeightAverage(ResidualNetwork network, double decay)
    {
        _decay = decay;
        using var noGradient = no_grad();
        _pairs = [.. StateDictionary.Learning(network).Where(entry => entry.Tensor.is_floating_point())
            .Select(entry => (entry.Name, entry.Tensor, entry.Tensor.clone().DetachFromDisposeScope()))];
    }

    /// <summary>The averages by the names of their weights; they stay this object's.</summary>
    public IEnumerable<(string Name, Tensor Tensor)> Entries => _pairs.Select(pair => (pair.Name, pair.Average));

    /// <summary>Goes on from averages of before.</summary>
    /// <exception cref="FormatException">They are not those of the network's weights.</exception>
    public void Restore(IReadOnlyList<NamedTensor> averages)
    {
        var byName = averages.ToDictionary(tensor => tensor.Name);
        foreach (var (name, _, average) in _pairs)
            RawTensors.Load(average, byName.GetValueOrDefault(name) ?? throw new FormatException($"It has no average of '{name}'."));
    }

    /// <summary>Takes in the weights after a step.</summary>
    /// <param name="step">Steps before this one.</param>
    public void Update(long step)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var decay = Math.Min(_decay, (1.0 + step) / (10.0 + step));
        foreach (var (_, weight, average) in _pairs)
            average.lerp_(weight, 1 - decay);
    }

    /// <summary>Exchanges the network's weights and the average; a second call changes them back.</summary>
    public void Exchange()
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        foreach (var (_, weight, average) in _pairs)
        {
            var kept = weight.clone();
            weight.copy_(average);
            average.copy_(kept);
        }
    }

    /// <summary>Frees the average.</summary>
    public void Dispose()
    {
        foreach (var (_, _, average) in _pairs)
            average.Dispose();
    }
}
