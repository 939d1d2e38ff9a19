namespace Microsoft.ML.ResNet.Cpu.Inference;

/// <summary>
/// Where the numbers of a feature map lie in memory. Channels come in blocks that fill a vector; within a block the map is one row of
/// pixels after the other, and a pixel is the channels of its block. Around every plane runs a border of zeros that nobody writes: the
/// padding of convolutions.
/// </summary>
/// <param name="Shape">Channels, height and width without the border.</param>
/// <param name="Border">Width of the border, in pixels.</param>
/// <param name="BlockChannels">Channels in a block; those beyond <see cref="ImageShape.Channels"/> are zero.</param>
internal sealed record MapLayout(ImageShape Shape, int Border, int BlockChannels)
{
    /// <summary>Channels in a block of the network's own maps: floats in the widest vector.</summary>
    public const int FullBlock = 16;

    /// <summary>The layout of maps inside the network, whose convolutions are 3x3 at most.</summary>
    public static MapLayout Inner(ImageShape shape) => new(shape, Border: 1, FullBlock);

    /// <summary>Blocks of channels.</summary>
    public int Blocks => (Shape.Channels + BlockChannels - 1) / BlockChannels;

    /// <summary>Floats from a pixel to the one below.</summary>
    public nint RowStride => checked(((nint)Shape.Width + 2 * Border) * BlockChannels);

    /// <summary>Floats from a block to the next.</summary>
    public nint BlockStride => checked((Shape.Height + 2 * Border) * RowStride);

    /// <summary>Floats of an image, and from one to the next.</summary>
    public nint ImageStride => checked(Blocks * BlockStride);

    /// <summary>The offset of a pixel in the first block, in floats from the image's start.</summary>
    /// <param name="y">Row; negative values reach into the border.</param>
    /// <param name="x">Column; negative values reach into the border.</param>
    public nint Offset(int y, int x) => (y + Border) * RowStride + ((nint)x + Border) * BlockChannels;

    /// <summary>The offset of a channel's value at a pixel, in floats from the image's start.</summary>
    public nint Offset(int channel, int y, int x) => channel / BlockChannels * BlockStride + Offset(y, x) + channel % BlockChannels;

    /// <summary>Copies an image out of the map, into the order height x width x channels and without the border.</summary>
    /// <param name="image">The image's start.</param>
    /// <param name="target">Receives as many floats as <see cref="Shape"/> has values.</param>
    public unsafe void Unpack(float* image, float* target)
    {
        for (var y = 0; y < Shape.Height; y++)
            for (var x = 0; x < Shape.Width; x++, target += Shape.Channels)
                for (var block = 0; block < Blocks; block++)
                {
                    var first = block * BlockChannels;
                    new ReadOnlySpan<float>(image + block * BlockStride + Offset(y, x), Math.Min(BlockChannels, Shape.Channels - first))
                        .CopyTo(new Span<float>(target + first, Shape.Channels - first));
                }
    }
}
