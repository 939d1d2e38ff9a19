using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Microsoft.ML.ResNet.Cpu.Kernels;
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
/// <param name="batchSize">
/// Images that pass at a time, as a rule, in all processes together: kernels are chosen for it, and so it decides how numbers are rounded.
/// </param>
internal sealed unsafe class TrainingEngine(ResidualNetwork network, ImageShape image, bool cpuKernels = true, ShardGroup? shards = null,
    int batchSize = TrainingNetwork.DefaultBatchSize) : IDisposable
{
    private readonly ShardGroup _shards = shards ?? new ShardGroup(ShardGroup.DefaultShards);
    private TrainingNetwork? _kernels;
    private bool? _usesAutograd; // decided at the first step, when all is frozen that will be
    private Tensor? _features, _ownLogits, _allLogits;

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
            return network.IsFrozenToTheHead ? Classified(input, rows)
                : _shards.Processes is { } processes ? ForwardShared(input, rows, processes)
                : network.PassTrained(input);
        _kernels!.Forward(input.numel() == 0 ? null : TensorMemory.PointerTo(input), rows);
        _features = Features(rows);
        return OneThread.Run(() => network.Classify(_features));
    }

    /// <summary>Adds the gradients of all weights to what they have.</summary>
    /// <param name="loss">A scalar, made of the logits of the last <see cref="Forward"/>.</param>
    public void Backward(Tensor loss)
    {
        if (_features is null && _allLogits is null && !network.IsFrozenToTheHead)
        {
            loss.backward();
            return;
        }
        OneThread.Run(() => loss.backward());
        if (_allLogits is not null)
            BackwardShared(_allLogits);
        else if (_features is not null)
            BackwardByKernels(_features);
        (_allLogits, _ownLogits, _features) = (null, null, null);
    }

    /// <summary>
    /// Completes the gradients of a step, after the last <see cref="Backward"/> of it: where autograd has given each of several processes
    /// its part, they become those of the whole batch.
    /// </summary>
    public void CompleteGradients()
    {
        if (network.Shared is null || _shards.Processes is not { } processes)
            return;
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var parameters = network.parameters().Where(parameter => parameter.requires_grad).ToList();
        foreach (var parameter in parameters)
            parameter.grad ??= zeros_like(parameter, requires_grad: false); // of a process that had no image
        var all = cat([.. parameters.Select(parameter => parameter.grad!.flatten())]).cpu();
        processes.AddUp(MemoryMarshal.Cast<byte, float>(all.bytes));
        var (sums, first) = (all.to(parameters[0].device), 0L);
        foreach (var parameter in parameters)
        {
            parameter.grad!.copy_(sums.narrow(0, first, parameter.numel()).view(parameter.shape));
            first += parameter.numel();
        }
    }

    /// <summary>The threads of the kernels, once these have begun.</summary>
    public WorkerTeam? Team => _kernels?.Team;

    /// <summary>Frees the kernels and what they keep; the network shares no batch any more.</summary>
    public void Dispose()
    {
        _kernels?.Dispose();
        network.Shared?.Dispose();
        network.Shared = null;
    }

    /// <summary>Whether the CPU's kernels can train a network, fast or not: there are some for all that learns.</summary>
    public static bool HasKernelsFor(ResidualNetwork network, int height, int width)
        => HaveKernels(network, network.PlanFor(height, width), new TensorParameters(network));

    private static bool HaveKernels(ResidualNetwork network, NetworkPlan plan, TensorParameters parameters)
        => network.Precision == TrainingPrecision.Full && TrainablePlan.IsSupported(plan, network.FrozenStages)
            && TrainablePlan.ParametersOf(plan, network.FrozenStages).All(parameters.CanLearn);

    private bool TryStartKernels()
    {
        if (!cpuKernels || !KernelsAreFaster)
            return false;
        var (plan, parameters) = (network.PlanFor(image.Height, image.Width), new TensorParameters(network));
        if (!HaveKernels(network, plan, parameters))
            return false;
        _kernels = new TrainingNetwork(plan, network.FrozenStages, parameters, get_num_threads(), _shards, batchSize);
        return true;
    }

    // A classifier alone: all processes compute it for the whole batch.
    private Tensor Classified(Tensor input, int rows)
    {
        using var all = _shards.Size > 1 ? Gathered(input, rows, network.Head.weight.shape[1]) : input.alias();
        return OneThread.Run(() => network.Classify(all));
    }

    // Through autograd each process passes its own images; the loss is of the logits of all.
    private Tensor ForwardShared(Tensor input, int rows, ProcessGroup processes)
    {
        (network.Shared ??= new SharedBatch(processes)).Dispose(); // of what went forward and never back
        _ownLogits = network.PassTrained(input);
        _allLogits = Gathered(_ownLogits, rows, _ownLogits.shape[1]);
        _allLogits.requires_grad = is_grad_enabled();
        return _allLogits.alias();
    }

    private void BackwardShared(Tensor logits)
    {
        using var gradient = logits.grad!;
        var (first, count) = _shards.ImagesOf((int)gradient.shape[0], _shards.Rank);
        using var own = gradient.narrow(0, first, count);
        network.Shared!.Backward(_ownLogits!, own);
    }

    private void BackwardByKernels(Tensor features)
    {
        using var leaf = features.grad!;
        using var gradient = leaf.contiguous();
        _kernels!.Backward(TensorMemory.PointerTo(gradient));
    }

    // Rows of all processes, on the device of this one's: float32, (rows, width).
    private Tensor Gathered(Tensor own, int rows, long width)
    {
        using var scope = NewDisposeScope();
        var all = empty(rows, width);
        var dense = own.detach().cpu().contiguous();
        _shards.Gather(dense.numel() == 0 ? [] : MemoryMarshal.Cast<byte, float>(dense.bytes),
            MemoryMarshal.Cast<byte, float>(all.bytes), rows);
        return all.to(own.device).MoveToOuterDisposeScope();
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
