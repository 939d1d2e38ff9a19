using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.ResNet.Cpu.Kernels;

/// <summary>
/// The inner loops of a convolution over channels-last memory, in one form for forward, gradient of the input and any stride:
/// <c>C = A B</c>, or <c>C += A B</c>, with
/// <code>
/// C[pixel, channel] = sum over row and i of A[pixel Step + row RowPitch + i] B[row Run + i, channel]
/// </code>
/// For each pixel that goes out, some rows of inputs lie at a fixed pitch, and of each row a run of consecutive floats (neighbouring pixels
/// with all their channels) meets a matrix of weights, <c>run x outputs</c>. Output channels are computed in blocks, whose width is that of
/// a tile of C. Every sum adds its products in the same order, so that tiles of any width give the same result.
/// </summary>
/// <param name="Rows">Rows of inputs that meet in one output.</param>
/// <param name="RowPitch">Floats from one row of inputs to the next.</param>
/// <param name="Run">Floats of each row.</param>
/// <param name="Step">Floats from the inputs of one output to those of the next in its row.</param>
/// <param name="Outputs">Channels that go out; a multiple of 16.</param>
/// <param name="BlockWidth">Channels of a block: 32 for vectors of 512 bits, 16 for those of 256.</param>
internal readonly unsafe partial record struct ConvolutionMicroKernel(int Rows, nint RowPitch, nint Run, nint Step, int Outputs,
    int BlockWidth)
{
    /// <summary>Floats of a slice of a block's weights at most: they stay in the first-level cache beside what they meet.</summary>
    public const int FloatsOfSlice = 5 << 10;

    private const int MostPixels = 16; // in a tile

    /// <summary>A part of the rows of the weights' matrix: some rows of inputs, or a part of one.</summary>
    /// <param name="Row">The first row of inputs.</param>
    /// <param name="Rows">How many.</param>
    /// <param name="First">The first float of each.</param>
    /// <param name="Count">How many.</param>
    public readonly record struct Slice(int Row, int Rows, nint First, nint Count);

    /// <summary>Channels of a block that are fastest here.</summary>
    public static int FastestBlockWidth => Vector512.IsHardwareAccelerated ? 32 : 16;

    /// <summary>How far behind the last input of a row the kernels may read, in floats: they always compute whole tiles.</summary>
    public nint Overrun => MostPixels * Step;

    /// <summary>Blocks of output channels: the weights of a block lie together, and it is computed by itself.</summary>
    public int Blocks => (Outputs + BlockWidth - 1) / BlockWidth; // of 32, the last perhaps has 16

    /// <summary>
    /// The parts, one after the other, in which a sum is best computed where weights are many: each goes on from where the last stopped, so
    /// that its products are added in the same order.
    /// </summary>
    public Slice[] Slices
    {
        get
        {
            var most = FloatsOfSlice / BlockWidth;
            if (Run > most)
            {
                var (parts, rows, run) = ((Run + most - 1) / most, Rows, Run);
                var count = (run + parts - 1) / parts;
                return [.. from row in Enumerable.Range(0, rows)
                           from part in Enumerable.Range(0, (int)parts)
                           select new Slice(row, 1, part * count, Math.Min(count, run - part * count))];
            }
            var (all, length, atOnce) = (Rows, Run, (int)(most / Run));
            return [.. from part in Enumerable.Range(0, (all + atOnce - 1) / atOnce)
                       select new Slice(part * atOnce, Math.Min(atOnce, all - part * atOnce), 0, length)];
        }
    }

    /// <summary>All rows of the weights' matrix.</summary>
    public Slice Whole => new(0, Rows, 0, Run);

    /// <summary>Multiplies rows with a matrix: a 1x1 convolution of pixels that lie in one row.</summary>
    /// <param name="rows">The rows, one after the other; up to 16 more behind the last are read.</param>
    /// <param name="count">How many they are.</param>
    /// <param name="inputs">Floats of a row.</param>
    /// <param name="weights">The matrix, one block of outputs after the other, each <c>inputs x channels of the block</c>.</param>
    /// <param name="outputs">Floats of a row of the product; a multiple of 16.</param>
    /// <param name="products">Receives the rows of the product.</param>
    /// <param name="blockWidth">Channels of a block.</param>
    public static void Multiply(float* rows, int count, nint inputs, float* weights, int outputs, float* products, int blockWidth)
    {
        var kernel = new ConvolutionMicroKernel(Rows: 1, RowPitch: 0, Run: inputs, Step: inputs, outputs, blockWidth);
        for (var block = 0; block < kernel.Blocks; block++)
            kernel.Image(block, kernel.Whole, rows, 0, weights + kernel.FirstWeight(block, kernel.Whole), products, 0, outputs, height: 1,
                count, adds: false);
    }

    /// <summary>
    /// The place of a slice's weights among those of all blocks, which lie one after the other, each <c>rows x run x channels of the
    /// block</c>.
    /// </summary>
    public nint FirstWeight(int block, Slice slice) => block * Rows * Run * BlockWidth + (slice.Row * Run + slice.First) * Channels(block);

    /// <summary>Channels of a block.</summary>
    public int Channels(int block) => Math.Min(BlockWidth, Outputs - block * BlockWidth);

    /// <summary>Computes one block of channels of an image.</summary>
    /// <param name="block">Which block.</param>
    /// <param name="slice">The part of the weights that is added.</param>
    /// <param name="input">The first input of the first output.</param>
    /// <param name="inputPitch">Floats from the inputs of one row of outputs to those of the next.</param>
    /// <param name="weights">The slice's weights: <c>rows x run x channels of the block</c>.</param>
    /// <param name="output">The first channel of the first output.</param>
    /// <param name="outputPitch">Floats from one row of outputs to the next.</param>
    /// <param name="outputStep">Floats from one output pixel to the next in its row.</param>
    /// <param name="height">Rows of outputs.</param>
    /// <param name="width">Output pixels in a row.</param>
    /// <param name="adds">Whether to add to what the output holds.</param>
    [SkipLocalsInit]
    public void Image(int block, Slice slice, float* input, nint inputPitch, float* weights, float* output, nint outputPitch,
        nint outputStep, int height, int width, bool adds)
    {
        if (inputPitch == width * Step && outputPitch == width * outputStep)
            (width, height) = (checked(width * height), 1); // rows without a gap between them are one row
        output += (nint)block * BlockWidth;
        input += slice.Row * RowPitch + slice.First;
        var part = this with { Rows = slice.Rows, Run = slice.Count };
        var tile = stackalloc float[16 * 16];
        if (BlockWidth == 16)
            part.RowsBy6x16(input, inputPitch, weights, output, outputPitch, outputStep, height, width, adds, tile);
        else if (Channels(block) < BlockWidth)
            part.RowsBy16x16(input, inputPitch, weights, output, outputPitch, outputStep, height, width, adds, tile);
        else if (width <= 4)
            part.PairsOfRows(input, inputPitch, weights, output, outputPitch, outputStep, height, width, adds, tile);
        else
            part.RowsBy8x32(input, inputPitch, weights, output, outputPitch, outputStep, height, width, adds, tile);
    }

    // Moves pixels of one or two vectors from or to a tile that they do not fill. A method of its own, so that no call lives between the
    // loops of a tile and its accumulators: they would go to memory.
    private static void Copy(float* from, nint fromStep, float* to, nint toStep, int pixels, int vectors)
    {
        for (var pixel = 0; pixel < pixels; pixel++, from += fromStep, to += toStep)
            for (var vector = 0; vector < vectors; vector++)
                Vector512.Load(from + 16 * vector).Store(to + 16 * vector);
    }
}
