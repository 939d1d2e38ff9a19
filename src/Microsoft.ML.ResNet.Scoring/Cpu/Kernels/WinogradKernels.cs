using System.Runtime.Intrinsics;

namespace Microsoft.ML.ResNet.Cpu.Kernels;

/// <summary>Which of Winograd's convolutions trains a shape fastest.</summary>
internal static class WinogradKernels
{
    private const int FewestWidePixelsOf2x2 = 16; // of many weights, which meet several images at once
    private const int FewestWidePixelsOf4x4 = 256;
    private const int FewestPixelsOfBatch = 257; // transforming weights is worth it for so many
    private const int FewestWidePixelsOfBatch = 129; // of many weights, which direct convolutions bring from memory more often

    /// <summary>Output pixels on a side of the tiles that are fastest; 0 where Winograd's convolutions do not pay.</summary>
    /// <param name="shape">The convolution.</param>
    /// <param name="images">Images of a batch.</param>
    public static int BestTileSize(ConvolutionShape shape, int images)
    {
        var pixels = (long)shape.Height * shape.Width;
        if (IsFew(shape, images))
            return 0;
        if (Computes(4, shape)
            && (shape.IsWide
                ? pixels >= FewestWidePixelsOf4x4 && (long)shape.Inputs * shape.Outputs <= WinogradTransforms.MostPairsOf4x4
                : pixels >= WinogradTransforms.FewestPixels))
            return 4;
        return Computes(2, shape) && (shape.IsWide
            ? pixels >= FewestWidePixelsOf2x2 && 3 * 16 * Tiles(2, shape) <= 2 * 9 * pixels // of odd sides some products are for nothing
            : pixels >= WinogradTransforms.FewestPixels) ? 2 : 0;
    }

    /// <summary>Whether a batch has so few pixels that its time is that of the weights.</summary>
    public static bool IsFew(ConvolutionShape shape, int images)
        => (long)images * shape.Height * shape.Width < (shape.IsWide ? FewestWidePixelsOfBatch : FewestPixelsOfBatch);

    /// <summary>Whether a shape can be computed in tiles of some size.</summary>
    public static bool Computes(int tileSize, ConvolutionShape shape)
        => tileSize == 4
            ? WinogradKernel<Winograd4x4, SixteenLanes>.Computes(shape)
            : WinogradKernel<Winograd2x2, SixteenLanes>.Computes(shape);

    /// <summary>A kernel that computes in tiles of some size.</summary>
    /// <param name="tileSize">2 or 4.</param>
    /// <param name="shape">A shape that it <see cref="Computes"/>.</param>
    /// <param name="blockWidth">Channels that are computed together: 32 or 16; 0 for what is fastest here.</param>
    /// <param name="imagesOfShard">Images whose gradients are gathered together, as a rule; the default is many.</param>
    public static ConvolutionKernel Of(int tileSize, ConvolutionShape shape, int blockWidth = 0, int imagesOfShard = int.MaxValue)
        => (tileSize, Vector512.IsHardwareAccelerated) switch
        {
            (4, true) => new WinogradKernel<Winograd4x4, SixteenLanes>(shape, blockWidth, imagesOfShard),
            (4, false) => new WinogradKernel<Winograd4x4, EightLanes>(shape, blockWidth, imagesOfShard),
            (2, true) => new WinogradKernel<Winograd2x2, SixteenLanes>(shape, blockWidth, imagesOfShard),
            (2, false) => new WinogradKernel<Winograd2x2, EightLanes>(shape, blockWidth, imagesOfShard),
            _ => throw new ArgumentOutOfRangeException(nameof(tileSize), tileSize, "Tiles have 2 or 4 pixels on a side."),
        };

    private static long Tiles(int size, ConvolutionShape shape)
        => ((long)shape.Height + size - 1) / size * ((shape.Width + size - 1) / size);
}
