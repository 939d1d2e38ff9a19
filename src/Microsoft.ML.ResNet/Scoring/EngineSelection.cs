using Microsoft.ML.ResNet.Cpu.Inference;
using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Scoring;

/// <summary>Chooses between kernels of our own and libtorch.</summary>
internal static class EngineSelection
{
    /// <summary>Begins to compile what will compute, while a model is being read.</summary>
    /// <param name="numerics">What may be used.</param>
    public static void CompileAhead(ResNetNumerics numerics)
    {
        if (numerics.CpuKernelsForScoring)
            _ = ScoringCode.CompileAhead();
    }

    /// <summary>Chooses the engine of a model. None computes, and libtorch is not loaded, before the first batch.</summary>
    /// <param name="model">The network.</param>
    /// <param name="numerics">What may be used.</param>
    public static EngineChoice For(TrainedResNet model, ResNetNumerics numerics)
    {
        if (!numerics.CpuKernelsForScoring)
            return ByLibTorch($"{nameof(ResNetNumerics)}.{nameof(ResNetNumerics.CpuKernelsForScoring)} is off");
        return EngineChoice.TryKernels(model, out var problem) ?? ByLibTorch(problem!);

        EngineChoice ByLibTorch(string reason) => new(new TorchEngine(model, numerics.ChannelsLast), $"libtorch, because {reason}");
    }
}
