using Microsoft.ML.ResNet.Cpu.Inference;
using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Scoring;

/// <summary>What computes a network that scores, and why.</summary>
/// <param name="Engine">The engine.</param>
/// <param name="Reason">The end of the sentence <c>Scoring by ...</c>, without the full stop.</param>
internal sealed record EngineChoice(INetworkEngine Engine, string Reason)
{
    /// <summary>Chooses the engine of a model. None computes, and libtorch is not loaded, before the first batch.</summary>
    /// <param name="model">The network.</param>
    /// <param name="numerics">What may be used.</param>
    public static EngineChoice For(TrainedResNet model, ResNetNumerics numerics)
    {
        if (!numerics.CpuKernelsForScoring)
            return ByLibTorch($"{nameof(ResNetNumerics)}.{nameof(ResNetNumerics.CpuKernelsForScoring)} is off");
        if (!InferenceNetwork.Fits(model.Plan))
            return ByLibTorch($"the maps of an image of {model.Shape} are beyond 1 GiB");
        var (kernel, threads) = (TileKernel.Fastest, ResNetRuntime.ThreadsForScoring);
        return new(new CpuEngine(model, kernel, threads),
            $"convolutions of our own, without libtorch: {kernel.Vectors}, the widest vectors of this processor; threads: {threads}");

        EngineChoice ByLibTorch(string reason) => new(new TorchEngine(model, numerics.ChannelsLast), $"libtorch, because {reason}");
    }
}
