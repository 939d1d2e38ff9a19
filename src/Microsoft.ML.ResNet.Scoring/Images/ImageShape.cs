namespace Microsoft.ML.ResNet;

/// <summary>The size of one image: channels x height x width, in the order in which pixels are stored (planar).</summary>
public readonly record struct ImageShape
{
    /// <summary>Makes a shape; what uses it checks it.</summary>
    /// <param name="channels">Colour planes: 1 (grey), 3 (red, green, blue) and so on.</param>
    /// <param name="height">Rows, in pixels.</param>
    /// <param name="width">Columns, in pixels.</param>
    public ImageShape(int channels, int height, int width) => (Channels, Height, Width) = (channels, height, width);

    /// <summary>Colour planes: 1 (grey), 3 (red, green, blue) and so on.</summary>
    public int Channels { get; init; }

    /// <summary>Rows, in pixels.</summary>
    public int Height { get; init; }

    /// <summary>Columns, in pixels.</summary>
    public int Width { get; init; }

    /// <summary>Values in one image: channels x height x width.</summary>
    public int Size => Channels * Height * Width;

    /// <summary>Pixels in one plane: height x width.</summary>
    public int PlaneSize => Height * Width;

    /// <summary>The shape as <c>3x32x32</c>.</summary>
    public override string ToString() => FormattableString.Invariant($"{Channels}x{Height}x{Width}");
}
