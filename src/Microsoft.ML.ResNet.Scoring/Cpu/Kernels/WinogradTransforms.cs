namespace Microsoft.ML.ResNet.Cpu.Kernels;

/// <summary>What all of Winograd's convolutions have in common.</summary>
internal static class WinogradTransforms
{
    private const int FewestChannels = 16; // a vector
    private const int FewestPixels = 64; // 16 tiles of 2x2; below, most of what a micro-kernel computes at once would be for nothing

    /// <summary>Whether F(2x2, 3x3) computes a convolution: 3x3, of stride 1, and of images that tiles of 2x2 pixels cover.</summary>
    public static bool Compute(ConvolutionShape shape)
        => shape.Size == 3 && shape.Stride == 1 && shape.Height % 2 == 0 && shape.Width % 2 == 0;

    /// <summary>Whether the products that F(2x2, 3x3) saves are worth the transforms.</summary>
    public static bool Pay(ConvolutionShape shape)
        => Compute(shape) && Math.Min(shape.Inputs, shape.Outputs) >= FewestChannels && (long)shape.Height * shape.Width >= FewestPixels;

    /// <summary>
    /// Floats from one element to the next that keep the elements of some tiles apart: one line more than the numbers take, because
    /// elements that lie powers of two apart would push one another out of the cache.
    /// </summary>
    /// <param name="tiles">How many tiles.</param>
    /// <param name="channels">Channels of each.</param>
    public static nint ElementPitch(int tiles, int channels) => checked((nint)tiles * channels + 16);
}
