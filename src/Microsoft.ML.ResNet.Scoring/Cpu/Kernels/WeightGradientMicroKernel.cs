using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.ResNet.Cpu.Kernels;

/// <summary>
/// The inner loops of the gradient of a convolution's weights over channels-last memory, <c>C += A^T G</c>:
/// <code>
/// C[i, channel] += sum over image, row and pixel of A[image, row, pixel, i] G[image, row, pixel, channel]
/// </code>
/// What <see cref="ConvolutionMicroKernel"/> multiplies weights with, A, is multiplied with the gradient of the output, G, and summed over
/// all pixels.
/// </summary>
/// <param name="InputPitch">Floats from the inputs of one row of outputs to those of the next.</param>
/// <param name="InputStep">Floats from the inputs of one output to those of the next in its row.</param>
/// <param name="GradientPitch">Floats from one row of gradients to the next.</param>
/// <param name="GradientStep">Floats from one gradient to the next in its row.</param>
/// <param name="Width">Output pixels in a row.</param>
/// <param name="BlockWidth">Channels of a block: 32 for vectors of 512 bits, 16 for those of 256.</param>
internal readonly unsafe partial record struct WeightGradientMicroKernel(nint InputPitch, nint InputStep, nint GradientPitch,
    nint GradientStep, int Width, int BlockWidth)
{
    /// <summary>Some images that are summed over at once.</summary>
    /// <param name="Count">How many.</param>
    /// <param name="InputLength">Floats from one input to the next.</param>
    /// <param name="GradientLength">Floats from one gradient to the next.</param>
    /// <param name="Rows">Rows of outputs of each.</param>
    public readonly record struct Images(int Count, nint InputLength, nint GradientLength, int Rows);

    /// <summary>Adds the sums for one block of output channels.</summary>
    /// <param name="input">The first of the run of floats that meet the first output of the first image.</param>
    /// <param name="gradient">The gradient of the block's first channel of that output.</param>
    /// <param name="images">The images.</param>
    /// <param name="run">Floats in the run; up to 15 more are read.</param>
    /// <param name="channels">Channels of the block: 32 or 16.</param>
    /// <param name="sums">The matrix <c>run x channels</c> to add to.</param>
    [SkipLocalsInit]
    public void Add(float* input, float* gradient, Images images, nint run, int channels, float* sums)
    {
        var atOnce = BlockWidth == 16 ? 6 : channels == BlockWidth ? 8 : 16;
        nint first = 0;
        for (; first + atOnce <= run && !LeavesFours(run - first); first += atOnce)
            AddTile(input + first, gradient, images, channels, sums + first * channels);
        for (; LeavesFours(run - first); first += 4)
            Tile4x16(input + first, gradient, images, sums + first * channels);
        if (first == run)
            return;
        var tile = stackalloc float[16 * 16]; // only some of its sums are wanted
        new Span<float>(tile, 16 * 16).Clear();
        AddTile(input + first, gradient, images, channels, tile);
        ChannelKernels.Add(tile, (run - first) * channels, sums + first * channels);
    }

    /// <summary>Copies some channels of pixels side by side.</summary>
    /// <param name="pixels">The first channel of the first pixel.</param>
    /// <param name="step">Floats from one pixel to the next.</param>
    /// <param name="count">How many pixels.</param>
    /// <param name="width">Channels to copy: 6 or 16.</param>
    /// <param name="panel">Receives them.</param>
    public static void PackPanel(float* pixels, nint step, int count, int width, float* panel)
    {
        if (width == 16)
        {
            PackGradients(pixels, step, count, width, panel);
            return;
        }
        for (; count > 0; count--, pixels += step, panel += 6)
        {
            var (four, two) = (Vector128.Load(pixels), Vector64.Load(pixels + 4));
            four.Store(panel);
            two.Store(panel + 4);
        }
    }

    /// <summary>Copies some channels of pixels side by side.</summary>
    /// <param name="pixels">The first channel of the first pixel.</param>
    /// <param name="step">Floats from one pixel to the next.</param>
    /// <param name="count">How many pixels.</param>
    /// <param name="width">Channels to copy: 16 or 32.</param>
    /// <param name="target">Receives them.</param>
    public static void PackGradients(float* pixels, nint step, int count, int width, float* target)
    {
        for (; count > 0; count--, pixels += step)
            for (var vector = 0; vector < width; vector += 16, target += 16)
                Vector512.Load(pixels + vector).Store(target);
    }

    // With 256 bits a tile takes six inputs or four: the last four or eight of a run are computed by fours, none twice.
    private bool LeavesFours(nint run) => BlockWidth == 16 && run is 4 or 8;

    private void AddTile(float* input, float* gradient, Images images, int channels, float* sums)
    {
        if (BlockWidth == 16)
            Tile6x16(input, gradient, images, sums);
        else if (channels == BlockWidth)
            Tile8x32(input, gradient, images, sums);
        else
            Tile16x16(input, gradient, images, sums);
    }
}
