using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Microsoft.ML.ResNet.Cpu.Inference;

/// <summary>
/// The inner loop of a convolution over maps in blocks of channels (<see cref="MapLayout"/>), for one kind of processor:
/// <c>C = A B + bias</c>, or <c>C += A B + bias</c>, rectified or not, with
/// <code>
/// C[pixel, channel] = bias[channel] + sum over run and i of A[InputOffsets[pixel] + RunOffsets[run] + i] B[run RunLength + i, channel]
/// </code>
/// Kernels add up in the same order, so their results differ by nothing where products are added without being rounded before, as
/// processors with AVX2 and ARM64 do, and by rounding elsewhere. Any of them runs on any processor, if not fast.
/// </summary>
internal abstract unsafe class TileKernel
{
    /// <summary>The fastest that this processor has.</summary>
    public static TileKernel Fastest { get; } =
        Vector512.IsHardwareAccelerated && Avx512F.IsSupported ? new Avx512TileKernel()
        : Avx2.IsSupported && Fma.IsSupported ? new Avx2TileKernel()
        : Vector128.IsHardwareAccelerated ? new PortableTileKernel()
        : new ScalarTileKernel();

    /// <summary>What its vectors are called.</summary>
    public abstract string Vectors { get; }

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
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public virtual void Multiply(float* rows, int count, int inputs, float* weights, int outputs, float* products)
    {
        nint* inputOffsets = stackalloc nint[ConvolutionTile.Pixels], outputOffsets = stackalloc nint[ConvolutionTile.Pixels];
        for (var i = 0; i < ConvolutionTile.Pixels; i++)
            (inputOffsets[i], outputOffsets[i]) = ((nint)i * inputs, (nint)i * outputs);
        nint start = 0;
        var tile = new ConvolutionTile
        {
            Count = ConvolutionTile.Pixels,
            InputOffsets = inputOffsets,
            RunOffsets = &start,
            RunCount = 1,
            RunLength = inputs,
            OutputOffsets = outputOffsets,
            BlockStride = MapLayout.FullBlock
        };
        const int GroupChannels = ConvolutionTile.MaxBlocks * MapLayout.FullBlock;
        for (var output = 0; output < outputs; output += GroupChannels)
        {
            tile.Weights = weights + (nint)output * inputs;
            for (var row = 0; row < count; row += ConvolutionTile.Pixels)
            {
                tile.Input = rows + (nint)row * inputs;
                tile.Output = products + (nint)row * outputs + output;
                Run(tile, Math.Min(GroupChannels, outputs - output) / MapLayout.FullBlock);
            }
        }
    }
}
