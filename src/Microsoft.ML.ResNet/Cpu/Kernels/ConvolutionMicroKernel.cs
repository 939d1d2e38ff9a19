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
/// with all their channels) meets a matrix of weights, <c>run x outputs</c>. Output channels are computed in blocks of 32.
/// </summary>
/// <remarks>
/// Tiles of C, in pixels x channels: 8 x 32, or 16 x 16 where the last block has 16 channels. Of the 32 registers of AVX-512 either takes
/// 16 for the sums. 8 x 32 takes two for a row of B and one for the float of A that meets both; 16 x 16 takes one for the row of B, and A
/// is the multiplication's own broadcast operand.
/// </remarks>
/// <param name="Rows">Rows of inputs that meet in one output.</param>
/// <param name="RowPitch">Floats from one row of inputs to the next.</param>
/// <param name="Run">Floats of each row.</param>
/// <param name="Step">Floats from the inputs of one output to those of the next in its row.</param>
/// <param name="Outputs">Channels that go out; a multiple of 16.</param>
internal readonly unsafe record struct ConvolutionMicroKernel(int Rows, nint RowPitch, nint Run, nint Step, int Outputs)
{
    /// <summary>Channels of a block.</summary>
    public const int BlockWidth = 32;

    private const int MostPixels = 16; // in a tile

    /// <summary>How far behind the last input of a row the kernels may read, in floats: they always compute whole tiles.</summary>
    public nint Overrun => MostPixels * Step;

    /// <summary>Blocks of output channels: the weights of a block lie together, and it is computed by itself.</summary>
    public int Blocks => BlocksOf(Outputs);

    /// <summary>Blocks of so many channels: of 32, the last perhaps of 16.</summary>
    public static int BlocksOf(int channels) => (channels + BlockWidth - 1) / BlockWidth;

    /// <summary>Multiplies rows with a matrix: a 1x1 convolution of pixels that lie in one row.</summary>
    /// <param name="rows">The rows, one after the other; up to 16 more behind the last are read.</param>
    /// <param name="count">How many they are.</param>
    /// <param name="inputs">Floats of a row.</param>
    /// <param name="weights">The matrix, one block of outputs after the other, each <c>inputs x channels of the block</c>.</param>
    /// <param name="outputs">Floats of a row of the product; a multiple of 16.</param>
    /// <param name="products">Receives the rows of the product.</param>
    public static void Multiply(float* rows, int count, nint inputs, float* weights, int outputs, float* products)
    {
        var kernel = new ConvolutionMicroKernel(Rows: 1, RowPitch: 0, Run: inputs, Step: inputs, outputs);
        for (var block = 0; block < kernel.Blocks; block++)
            kernel.Image(block, rows, 0, weights, products, 0, outputs, height: 1, count, adds: false);
    }

    /// <summary>Computes one block of channels of an image.</summary>
    /// <param name="block">Which block.</param>
    /// <param name="input">The first input of the first output.</param>
    /// <param name="inputPitch">Floats from the inputs of one row of outputs to those of the next.</param>
    /// <param name="weights">The matrices of all blocks, one block after the other, each <c>rows x run x channels of the block</c>.</param>
    /// <param name="output">The first channel of the first output.</param>
    /// <param name="outputPitch">Floats from one row of outputs to the next.</param>
    /// <param name="outputStep">Floats from one output pixel to the next in its row.</param>
    /// <param name="height">Rows of outputs.</param>
    /// <param name="width">Output pixels in a row.</param>
    /// <param name="adds">Whether to add to what the output holds.</param>
    [SkipLocalsInit]
    public void Image(int block, float* input, nint inputPitch, float* weights, float* output, nint outputPitch, nint outputStep,
        int height, int width, bool adds)
    {
        var tile = stackalloc float[16 * 16];
        weights += block * Rows * Run * BlockWidth;
        output += (nint)block * BlockWidth;
        var isWhole = Outputs - block * BlockWidth >= BlockWidth;
        var pairs = isWhole && width <= 4; // narrow images: half a tile in each of two rows
        for (var row = 0; row < height; row += pairs
            ? 2
            : 1, input += inputPitch * (pairs ? 2 : 1), output += outputPitch * (pairs ? 2 : 1))
            if (pairs && !adds && width == 4 && row + 1 < height)
                Tile8x32(input, inputPitch, weights, output, outputStep, outputPitch);
            else if (pairs)
            {
                Tile8x32(input, row + 1 < height ? inputPitch : 0, weights, tile, BlockWidth, 4 * BlockWidth);
                Put(tile, output, outputStep, width, 2, adds);
                if (row + 1 < height)
                    Put(tile + 4 * BlockWidth, output + outputPitch, outputStep, width, 2, adds);
            }
            else if (isWhole)
                for (var pixel = 0; pixel < width; pixel += 8)
                    if (!adds && width - pixel >= 8)
                        Tile8x32(input + pixel * Step, 4 * Step, weights, output + pixel * outputStep, outputStep, 4 * outputStep);
                    else
                    {
                        Tile8x32(input + pixel * Step, 4 * Step, weights, tile, BlockWidth, 4 * BlockWidth);
                        Put(tile, output + pixel * outputStep, outputStep, Math.Min(8, width - pixel), 2, adds);
                    }
            else
                for (var pixel = 0; pixel < width; pixel += 16)
                    if (!adds && width - pixel >= 16)
                        Tile16x16(input + pixel * Step, weights, output + pixel * outputStep, outputStep);
                    else
                    {
                        Tile16x16(input + pixel * Step, weights, tile, 16);
                        Put(tile, output + pixel * outputStep, outputStep, Math.Min(16, width - pixel), 1, adds);
                    }
    }

    // Moves accumulators that fill no whole tile, or are to be added, to the output. A method of its own, so that no call lives between
    // the loops below and their accumulators: they would go to memory.
    private static void Put(float* tile, float* output, nint outputStep, int pixels, int vectors, bool adds)
    {
        for (var pixel = 0; pixel < pixels; pixel++, output += outputStep)
            for (var vector = 0; vector < vectors; vector++, tile += 16)
                (adds ? Vector512.Load(tile) + Vector512.Load(output + 16 * vector) : Vector512.Load(tile)).Store(output + 16 * vector);
    }

    // 16 pixels x 16 channels.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Tile16x16(float* input, float* weights, float* target, nint step)
    {
        Vector512<float> a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, aA, aB, aC, aD, aE, aF;
        a0 = a1 = a2 = a3 = a4 = a5 = a6 = a7 = a8 = a9 = aA = aB = aC = aD = aE = aF = Vector512<float>.Zero;
        nint s1 = Step, s2 = 2 * s1, s3 = 3 * s1;
        for (var row = 0; row < Rows; row++)
        {
            var x = input + row * RowPitch;
            var y = x + 4 * s1;
            var z = y + 4 * s1;
            var u = z + 4 * s1;
            for (var end = x + Run; x < end; x++, y++, z++, u++, weights += 16)
            {
                var w = Vector512.Load(weights);
                a0 = Vector512.FusedMultiplyAdd(Vector512.Create(*x), w, a0);
                a1 = Vector512.FusedMultiplyAdd(Vector512.Create(x[s1]), w, a1);
                a2 = Vector512.FusedMultiplyAdd(Vector512.Create(x[s2]), w, a2);
                a3 = Vector512.FusedMultiplyAdd(Vector512.Create(x[s3]), w, a3);
                a4 = Vector512.FusedMultiplyAdd(Vector512.Create(*y), w, a4);
                a5 = Vector512.FusedMultiplyAdd(Vector512.Create(y[s1]), w, a5);
                a6 = Vector512.FusedMultiplyAdd(Vector512.Create(y[s2]), w, a6);
                a7 = Vector512.FusedMultiplyAdd(Vector512.Create(y[s3]), w, a7);
                a8 = Vector512.FusedMultiplyAdd(Vector512.Create(*z), w, a8);
                a9 = Vector512.FusedMultiplyAdd(Vector512.Create(z[s1]), w, a9);
                aA = Vector512.FusedMultiplyAdd(Vector512.Create(z[s2]), w, aA);
                aB = Vector512.FusedMultiplyAdd(Vector512.Create(z[s3]), w, aB);
                aC = Vector512.FusedMultiplyAdd(Vector512.Create(*u), w, aC);
                aD = Vector512.FusedMultiplyAdd(Vector512.Create(u[s1]), w, aD);
                aE = Vector512.FusedMultiplyAdd(Vector512.Create(u[s2]), w, aE);
                aF = Vector512.FusedMultiplyAdd(Vector512.Create(u[s3]), w, aF);
            }
        }
        a0.Store(target);
        a1.Store(target + step);
        a2.Store(target + 2 * step);
        a3.Store(target + 3 * step);
        a4.Store(target + 4 * step);
        a5.Store(target + 5 * step);
        a6.Store(target + 6 * step);
        a7.Store(target + 7 * step);
        a8.Store(target + 8 * step);
        a9.Store(target + 9 * step);
        aA.Store(target + 10 * step);
        aB.Store(target + 11 * step);
        aC.Store(target + 12 * step);
        aD.Store(target + 13 * step);
        aE.Store(target + 14 * step);
        aF.Store(target + 15 * step);
    }

    // 8 pixels, of which the second four lie somewhere else, x 32 channels.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Tile8x32(float* input, nint toSecondFour, float* weights, float* target, nint step, nint toSecondTarget)
    {
        Vector512<float> a0, a1, a2, a3, a4, a5, a6, a7, b0, b1, b2, b3, b4, b5, b6, b7;
        a0 = a1 = a2 = a3 = a4 = a5 = a6 = a7 = b0 = b1 = b2 = b3 = b4 = b5 = b6 = b7 = Vector512<float>.Zero;
        nint s1 = Step, s2 = 2 * s1, s3 = 3 * s1;
        for (var row = 0; row < Rows; row++)
        {
            var x = input + row * RowPitch;
            var y = x + toSecondFour;
            for (var end = x + Run; x < end; x++, y++, weights += BlockWidth)
            {
                var (w, v) = (Vector512.Load(weights), Vector512.Load(weights + 16));
                var p = Vector512.Create(*x);
                (a0, b0) = (Vector512.FusedMultiplyAdd(p, w, a0), Vector512.FusedMultiplyAdd(p, v, b0));
                p = Vector512.Create(x[s1]);
                (a1, b1) = (Vector512.FusedMultiplyAdd(p, w, a1), Vector512.FusedMultiplyAdd(p, v, b1));
                p = Vector512.Create(x[s2]);
                (a2, b2) = (Vector512.FusedMultiplyAdd(p, w, a2), Vector512.FusedMultiplyAdd(p, v, b2));
                p = Vector512.Create(x[s3]);
                (a3, b3) = (Vector512.FusedMultiplyAdd(p, w, a3), Vector512.FusedMultiplyAdd(p, v, b3));
                p = Vector512.Create(*y);
                (a4, b4) = (Vector512.FusedMultiplyAdd(p, w, a4), Vector512.FusedMultiplyAdd(p, v, b4));
                p = Vector512.Create(y[s1]);
                (a5, b5) = (Vector512.FusedMultiplyAdd(p, w, a5), Vector512.FusedMultiplyAdd(p, v, b5));
                p = Vector512.Create(y[s2]);
                (a6, b6) = (Vector512.FusedMultiplyAdd(p, w, a6), Vector512.FusedMultiplyAdd(p, v, b6));
                p = Vector512.Create(y[s3]);
                (a7, b7) = (Vector512.FusedMultiplyAdd(p, w, a7), Vector512.FusedMultiplyAdd(p, v, b7));
            }
        }
        a0.Store(target);
        b0.Store(target + 16);
        a1.Store(target + step);
        b1.Store(target + step + 16);
        a2.Store(target + 2 * step);
        b2.Store(target + 2 * step + 16);
        a3.Store(target + 3 * step);
        b3.Store(target + 3 * step + 16);
        target += toSecondTarget;
        a4.Store(target);
        b4.Store(target + 16);
        a5.Store(target + step);
        b5.Store(target + step + 16);
        a6.Store(target + 2 * step);
        b6.Store(target + 2 * step + 16);
        a7.Store(target + 3 * step);
        b7.Store(target + 3 * step + 16);
    }
}
