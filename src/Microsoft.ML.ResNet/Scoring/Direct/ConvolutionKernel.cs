using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Microsoft.ML.ResNet.Scoring.Direct;

/// <summary>The inner loop of a convolution, for one kind of processor. Kernels add up in the same order, so their results differ by nothing.</summary>
internal abstract class ConvolutionKernel
{
    /// <summary>The fastest that this processor has; <see langword="null"/> where there is none.</summary>
    public static ConvolutionKernel? Fastest { get; } =
        Vector512.IsHardwareAccelerated && Avx512F.IsSupported ? new Avx512Kernel()
        : Avx2.IsSupported && Fma.IsSupported ? new Avx2Kernel()
        : null;

    /// <summary>Computes a tile.</summary>
    /// <param name="tile">What to do; its pointers are the caller's to keep alive.</param>
    /// <param name="blocks">Output blocks: 1 or 2.</param>
    public abstract void Run(in ConvolutionTile tile, int blocks);
}
