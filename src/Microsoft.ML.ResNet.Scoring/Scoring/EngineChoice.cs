using Microsoft.ML.ResNet.Cpu.Inference;
using Microsoft.ML.ResNet.Foundation;
using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Scoring;

/// <summary>What computes a network that scores, and why.</summary>
/// <param name="Engine">The engine.</param>
/// <param name="Reason">The end of the sentence <c>Scoring by ...</c>, without the full stop.</param>
internal sealed record EngineChoice(INetworkEngine Engine, string Reason)
{
    /// <summary>Chooses the kernels of this library.</summary>
    /// <param name="model">The network.</param>
    /// <param name="problem">Why there is no such engine; <see langword="null"/> where there is.</param>
    public static EngineChoice? TryKernels(TrainedResNet model, out string? problem)
    {
        problem = InferenceNetwork.Fits(model.Plan) ? null : $"the maps of an image of {model.Shape} are beyond 1 GiB";
        if (problem is not null)
            return null;
        var (kernel, threads) = (TileKernel.Fastest, ScoringThreads.Count);
        return new(new CpuEngine(model, kernel, threads),
            $"convolutions of our own, without libtorch: {kernel.Vectors}, the widest vectors of this processor; threads: {threads}");
    }
}
