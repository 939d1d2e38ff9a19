namespace Microsoft.ML.ResNet.Cpu.Kernels;

/// <summary>The shape of a square convolution that pads by half its size, over one image.</summary>
/// <param name="Inputs">Channels that come in.</param>
/// <param name="Outputs">Channels that go out.</param>
/// <param name="Size">Height and width of the kernel, in pixels; odd.</param>
/// <param name="Stride">Step, in pixels.</param>
/// <param name="Height">Rows of the input.</param>
/// <param name="Width">Columns of the input.</param>
internal readonly record struct ConvolutionShape(int Inputs, int Outputs, int Size, int Stride, int Height, int Width)
{
    /// <summary>
    /// Floats that the kernels take in a map of one image, with its border: 1 GiB. Larger networks are left to libtorch.
    /// </summary>
    public const long LargestMap = 1 << 28;

    private const int FewWeights = 3 * 3 * 64 * 64; // 144 KiB, which stay in the second-level cache

    /// <summary>Pixels of zeros on each side.</summary>
    public int Padding => Size / 2;

    /// <summary>Rows of the output.</summary>
    public int OutputHeight => checked(Height + 2 * Padding - Size) / Stride + 1;

    /// <summary>Columns of the output.</summary>
    public int OutputWidth => checked(Width + 2 * Padding - Size) / Stride + 1;

    /// <summary>Floats of the input image.</summary>
    public long InputLength => checked((long)Height * Width * Inputs);

    /// <summary>Floats of the output image.</summary>
    public long OutputLength => checked((long)OutputHeight * OutputWidth * Outputs);

    /// <summary>Floats of the weights.</summary>
    public long WeightLength => checked((long)Size * Size * Inputs * Outputs);

    /// <summary>Whether the weights are so many that they should be read once for many images, not for each.</summary>
    public bool IsWide => WeightLength > FewWeights;
}
