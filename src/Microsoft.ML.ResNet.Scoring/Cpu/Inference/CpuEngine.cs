using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Cpu.Inference;

/// <summary>An <see cref="InferenceNetwork"/> that is made when it is needed first.</summary>
/// <param name="model">The network; its weights fit its plan.</param>
/// <param name="kernel">Computes tiles.</param>
/// <param name="threads">Threads that a batch is shared among; at least 1.</param>
internal sealed class CpuEngine(TrainedResNet model, TileKernel kernel, int threads) : INetworkEngine
{
    private readonly Lock _gate = new();
    private readonly NetworkPlan _plan = model.Plan;
    private InferenceNetwork? _network;

    /// <inheritdoc/>
    public void Prepare() => Network();

    /// <inheritdoc/>
    public void Run(ReadOnlyMemory<byte> pixels, int count, NetworkOutput output, Memory<float> values)
        => Network().Run(pixels, count, _plan.StepOf(output), values);

    /// <summary>Frees the network.</summary>
    public void Dispose() => _network?.Dispose();

    private InferenceNetwork Network()
    {
        if (Volatile.Read(ref _network) is { } made)
            return made;
        lock (_gate)
            return _network ??= new InferenceNetwork(_plan, FoldedWeights.Of(model), model.Normalization, kernel, threads);
    }
}
