using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Microsoft.ML.ResNet.Cpu.Training;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Network.Torch;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Training;

/// <summary>
/// Forward and backward through a network while it is trained: by the CPU's kernels where they are faster, and else by autograd. Both give
/// the same gradients but for rounding.
/// </summary>
/// <param name="network">The network, in training mode; it stays the caller's.</param>
/// <param name="image">The images it is trained on.</param>
/// <param name="cpuKernels">Whether the kernels may be used at all.</param>
/// <param name="shards">
/// Shards that a batch is cut into, and who computes them; <see langword="null"/>, the default, is one process and as many as usual.
/// </param>
internal sealed unsafe class TrainingEngine(ResidualNetwork network, ImageShape image, bool cpuKernels = true, ShardGroup? shards = null)
    : IDisposable
{
    private readonly ShardGroup _shards = shards ?? new ShardGroup(ShardGroup.DefaultShards);
    private TrainingNetwork? _kernels;
    private bool? _usesAutograd; // decided at the first step, when all is frozen that will be
    private Tensor? _features;

    /// <summary>
    /// Whether the kernels are faster than libtorch on this CPU: those with vectors of 512 or 256 bits and fused multiplication. Tests
    /// alone set it, to train by kernels on others.
    /// </summary>
    public static bool KernelsAreFaster { get; set; } = Vector512.IsHardwareAccelerated || Avx2.IsSupported && Fma.IsSupported;

    /// <summary>What the first layer reads that learns to logits.</summary>
    /// <param name="input">
    /// What <see cref="FrozenLayers"/> give, or a copy of it; it, and what the open dispose scope holds, must stay until
    /// <see cref="Backward"/> is done. With several processes each gives the rows of its shards.
    /// </param>
    /// <param name="count">Rows of the batch; <see langword="null"/>, the default, is those of <paramref name="input"/>.</param>
    /// <returns>Logits of the whole batch: float32, (N, classes); the caller owns them.</returns>
    public Tensor Forward(Tensor input, int? count = null)
    {
        var rows = count ?? (int)input.shape[0];
        if (_usesAutograd ??= !TryStartKernels())
            return network.PassTrained(_shards.Size > 1 ? Gathered(input, rows) : input);
        _kernels!.Forward(input.numel() == 0 ? null : TensorMemory.PointerTo(input), rows);
        _features = Features(rows);
        return ByOneThread(() => network.Classify(_features));
    }

    /// <summary>Adds the gradients of all weights to what they have.</summary>
    /// <param name="loss">A scalar, made of the logits of the last <see cref="Forward"/>.</param>
    public void Backward(Tensor loss)
    {
        if (_features is null)
        {
            loss.backward();
            return;
        }
        ByOneThread(() =>
        {
            loss.backward();
            return true;
        });
        using var leaf = _features.grad!;
        using var gradient = leaf.contiguous();
        _kernels!.Backward(TensorMemory.PointerTo(gradient));
        _features = null;
    }

    /// <summary>Frees the kernels and what they keep.</summary>
    public void Dispose() => _kernels?.Dispose();

    /// <summary>Whether the CPU's kernels can train a network, fast or not: there are some for all that learns.</summary>
    public static bool HasKernelsFor(ResidualNetwork network, int height, int width)
        => HaveKernels(network, network.PlanFor(height, width), new TensorParameters(network));

    /// <summary>
    /// Why several processes cannot train a network together; <see langword="null"/> where they can: batches are shared out by the CPU's
    /// kernels, and a classifier alone reads features that all processes have.
    /// </summary>
    public static string? WhyNotShared(ResidualNetwork network, ImageShape image, Device device, bool cpuKernels)
        => network.IsFrozenToTheHead && device.type == TorchSharp.DeviceType.CPU ? null
            : device.type != TorchSharp.DeviceType.CPU ? $"it is trained on {device}"
            : !cpuKernels ? "ResNetNumerics.CpuKernelsForTraining is off"
            : !KernelsAreFaster ? "this processor has neither AVX-512 nor AVX2 with fused multiplication"
            : network.Precision != TrainingPrecision.Full ? "its precision is not Full"
            : HasKernelsFor(network, image.Height, image.Width) ? null
            : "it has layers that the kernels do not compute: shortcuts without projection, convolutions with bias, or channels that are "
                + "no multiple of 16";

    // How libtorch sums up a matrix product depends on its threads, and they must not be seen in the weights. The classifier is small.
    private static T ByOneThread<T>(Func<T> compute)
    {
        var threads = get_num_threads();
        set_num_threads(1);
        try
        {
            return compute();
        }
        finally
        {
            set_num_threads(threads);
        }
    }

    private static bool HaveKernels(ResidualNetwork network, NetworkPlan plan, TensorParameters parameters)
        => network.Precision == TrainingPrecision.Full && TrainingNetwork.Supports(plan, network.FrozenStages)
            && TrainingNetwork.ParametersOf(plan, network.FrozenStages).All(parameters.CanLearn);

    private bool TryStartKernels()
    {
        if (!cpuKernels || !KernelsAreFaster)
            return false;
        var (plan, parameters) = (network.PlanFor(image.Height, image.Width), new TensorParameters(network));
        if (!HaveKernels(network, plan, parameters))
            return false;
        _kernels = new TrainingNetwork(plan, network.FrozenStages, parameters, get_num_threads(), _shards);
        return true;
    }

    // For a classifier alone: what it reads of the whole batch.
    private Tensor Gathered(Tensor own, int rows)
    {
        var all = empty(rows, network.Head.weight.shape[1]);
        using var dense = own.contiguous();
        _shards.Gather(dense.numel() == 0 ? [] : MemoryMarshal.Cast<byte, float>(dense.bytes),
            MemoryMarshal.Cast<byte, float>(all.bytes), rows);
        return all;
    }

    // The pooled features as a leaf that wants a gradient: float32, (N, feature width).
    private Tensor Features(int count)
    {
        var features = empty(count, _kernels!.FeatureWidth);
        new ReadOnlySpan<float>(_kernels.Features, checked(count * _kernels.FeatureWidth))
            .CopyTo(MemoryMarshal.Cast<byte, float>(features.bytes));
        return features.requires_grad_(true);
    }
}
