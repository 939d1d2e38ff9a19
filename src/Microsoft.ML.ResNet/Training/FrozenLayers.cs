using Microsoft.ML.ResNet.Cpu.Inference;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Network.Torch;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Training;

/// <summary>
/// What training leaves as it is: pixels to what the first layer reads that learns. On the CPU it is computed as models score, by
/// kernels that give an image the same bits whatever batch it is in; where there are none, and on other devices, by libtorch. Where
/// nothing is frozen, pixels are normalised and no more.
/// </summary>
/// <param name="network">The network, whose frozen layers stay from now on; it stays the caller's.</param>
/// <param name="normalization">Makes pixels the network's input.</param>
/// <param name="numerics">Whether the kernels may be used.</param>
internal sealed unsafe class FrozenLayers(ResidualNetwork network, Normalization normalization, ResNetNumerics numerics) : IDisposable
{
    private NetworkPlan? _plan; // of the frozen part
    private InferenceNetwork? _kernels;
    private bool _isChosen;

    /// <summary>Whether there are any.</summary>
    public bool Any => network.FrozenStages is not null;

    /// <summary>Computes a batch.</summary>
    /// <param name="pixels">uint8, (N, C, H, W); all of one size, and N may be 0.</param>
    /// <returns>
    /// What <see cref="ResidualNetwork.PassTrained"/> reads, as <see cref="ResidualNetwork.PassFrozen"/> gives it; the caller owns it.
    /// </returns>
    public Tensor Run(Tensor pixels)
    {
        if (!Any)
            return normalization.Apply(pixels, network.ChannelsLast);
        using var scope = NewDisposeScope();
        if (pixels.shape[0] == 0) // an image of nothing tells the sizes
            return Run(zeros([1, .. pixels.shape[1..]], pixels.dtype, pixels.device)).narrow(0, 0, 0).MoveToOuterDisposeScope();
        var result = StartKernels(pixels) is { } kernels
            ? Run(kernels, pixels.contiguous())
            : network.PassFrozen(normalization.Apply(pixels, network.ChannelsLast));
        return result.MoveToOuterDisposeScope();
    }

    /// <summary>Frees the kernels; the network stays.</summary>
    public void Dispose() => _kernels?.Dispose();

    private Tensor Run(InferenceNetwork kernels, Tensor pixels)
    {
        var (count, output) = ((int)pixels.shape[0], _plan!.Steps[^1]);
        var (channels, height, width) = (output.Output.Channels, output.Output.Height, output.Output.Width);
        var result = empty([count, height, width, channels]).permute(0, 3, 1, 2); // channels-last
        fixed (byte* source = pixels.bytes)
            kernels.Run(source, count, output, TensorMemory.PointerTo(result));
        return network.IsFrozenToTheHead ? result.view(count, channels) : result;
    }

    private InferenceNetwork? StartKernels(Tensor pixels)
    {
        if (_isChosen)
            return _kernels;
        _isChosen = true;
        if (!(numerics is { CpuKernelsForScoring: true, CpuKernelsForTraining: true } && TileKernel.Fastest is { } kernel
            && pixels.device_type == TorchSharp.DeviceType.CPU && network.Precision == TrainingPrecision.Full))
            return null;
        _plan = network.PlanFor((int)pixels.shape[2], (int)pixels.shape[3]).Frozen(network.FrozenStages!.Value);
        return _kernels = InferenceNetwork.Fits(_plan)
            ? new InferenceNetwork(_plan, Weights(_plan), normalization, kernel, get_num_threads())
            : null;
    }

    private FoldedWeights Weights(NetworkPlan plan)
    {
        var tensors = network.named_parameters().Select(entry => (entry.name, (Tensor)entry.parameter)).Concat(network.named_buffers())
            .ToDictionary(entry => entry.Item1, entry => entry.Item2, StringComparer.Ordinal);
        return new(plan.State.ToDictionary(entry => entry.Name, entry => RawTensors.Save(entry.Name, tensors[entry.Name]),
            StringComparer.Ordinal));
    }
}
