namespace Microsoft.ML.ResNet.Cpu.Inference;

/// <summary>
/// The work of one call of a <see cref="TileKernel"/>: <see cref="Pixels"/> output pixels, each in one or two blocks of channels. For each
/// of them the kernel adds up the products of a window of the input with the weights.
/// </summary>
internal unsafe struct ConvolutionTile
{
    /// <summary>Output pixels in a tile.</summary>
    public const int Pixels = 8;

    /// <summary>Output blocks in a tile, at most.</summary>
    public const int MaxBlocks = 2;

    /// <summary>Pixels that count; in the rest of the tile the last of them is repeated.</summary>
    public int Count;

    /// <summary>The input map.</summary>
    public float* Input;

    /// <summary>For each pixel, the offset of its window in <see cref="Input"/>, in floats.</summary>
    public nint* InputOffsets;

    /// <summary>
    /// The offsets of the runs of a window, in floats from its start: one run for each row of the kernel and block of input channels.
    /// </summary>
    public nint* RunOffsets;

    /// <summary>How many runs there are.</summary>
    public int RunCount;

    /// <summary>Floats in a run.</summary>
    public nint RunLength;

    /// <summary>
    /// The weights in the order of their use: for each float of a window, a vector of 16 output channels for each output block.
    /// </summary>
    public float* Weights;

    /// <summary>What is added, 16 floats for each output block; <see langword="null"/> for nothing.</summary>
    public float* Bias;

    /// <summary>The output map, from the first of the blocks on.</summary>
    public float* Output;

    /// <summary>For each pixel, its offset in <see cref="Output"/>, in floats.</summary>
    public nint* OutputOffsets;

    /// <summary>Floats from an output block to the next.</summary>
    public nint BlockStride;

    /// <summary>
    /// Whether the result is added to what the output holds. Offsets may occur twice: all are read before the first is written.
    /// </summary>
    public bool Accumulates;

    /// <summary>Whether negative results become zero.</summary>
    public bool Rectifies;
}
