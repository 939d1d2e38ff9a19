using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Microsoft.ML.ResNet.Cpu.Inference;

/// <summary>
/// The inner loop of a convolution, for one kind of processor. Kernels add up in the same order, so their results differ by nothing.
/// </summary>
internal abstract class TileKernel
{
    /// <summary>The fastest that this processor has; <see langword="null"/> where there is none.</summary>
    public static TileKernel? Fastest { get; } =
        Vector512.IsHardwareAccelerated && Avx512F.IsSupported ? new Avx512Kernel()
        : Avx2.IsSupported && Fma.IsSupported ? new Avx2Kernel()
        : null;

    /// <summary>Computes a tile.</summary>
    /// <param name="tile">What to do; its pointers are the caller's to keep alive.</param>
    /// <param name="blocks">Output blocks: 1 or 2.</param>
    public abstract void Run(in ConvolutionTile tile, int blocks);

    /// <summary>Multiplies rows with a matrix: <c>products = rows weights</c>.</summary>
    /// <param name="rows">The rows, one after the other; there is room for 16 more behind the last.</param>
    /// <param name="count">How many they are.</param>
    /// <param name="weights">The matrix: a 1x1 convolution.</param>
    /// <param name="products">Receives the rows of the product; there is room for 7 more behind the last.</param>
    public abstract unsafe void Multiply(float* rows, int count, PackedWeights weights, float* products);
}
