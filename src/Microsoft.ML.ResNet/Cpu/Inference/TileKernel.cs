using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Microsoft.ML.ResNet.Cpu.Inference;

/// <summary>
/// The inner loop of a convolution over maps in blocks of channels (<see cref="MapLayout"/>), for one kind of processor:
/// <c>C = A B + bias</c>, or <c>C += A B + bias</c>, rectified or not, with
/// <code>
/// C[pixel, channel] = bias[channel] + sum over run and i of A[InputOffsets[pixel] + RunOffsets[run] + i] B[run RunLength + i, channel]
/// </code>
/// Kernels add up in the same order, so their results differ by nothing. Any of them runs on any processor, if not fast.
/// </summary>
internal abstract class TileKernel
{
    /// <summary>The fastest that this processor has; <see langword="null"/> where there is none.</summary>
    public static TileKernel? Fastest { get; } =
        Vector512.IsHardwareAccelerated && Avx512F.IsSupported ? new Avx512TileKernel()
        : Avx2.IsSupported && Fma.IsSupported ? new Avx2TileKernel()
        : null;

    /// <summary>Computes a tile.</summary>
    /// <param name="tile">What to do; its pointers are the caller's to keep alive.</param>
    /// <param name="blocks">Output blocks: 1 or 2.</param>
    public abstract void Run(in ConvolutionTile tile, int blocks);

    /// <summary>Multiplies rows with a matrix: <c>products = rows weights</c>.</summary>
    /// <param name="rows">The rows, one after the other; up to 16 more behind the last are read.</param>
    /// <param name="count">How many they are.</param>
    /// <param name="inputs">Floats of a row.</param>
    /// <param name="weights">
    /// The matrix: for each group of two output blocks, <c>inputs x channels of the group</c>, as <see cref="PackedWeights"/> orders them.
    /// </param>
    /// <param name="outputs">Floats of a row of the product; a multiple of 16.</param>
    /// <param name="products">Receives the rows of the product; there is room for 7 more behind the last.</param>
    public abstract unsafe void Multiply(float* rows, int count, int inputs, float* weights, int outputs,
        float* products);
}
