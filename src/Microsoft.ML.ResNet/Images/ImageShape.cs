namespace Microsoft.ML.ResNet;

/// <summary>The size of one image: channels x height x width, in the order in which pixels are stored (planar).</summary>
/// <param name="Channels">Colour planes: 1 (grey), 3 (red, green, blue) and so on.</param>
/// <param name="Height">Rows, in pixels.</param>
/// <param name="Width">Columns, in pixels.</param>
public readonly record struct ImageShape(int Channels, int Height, int Width)
{
    /// <summary>Values in one image: channels x height x width.</summary>
    public int Size => Channels * Height * Width;

    /// <summary>Pixels in one plane: height x width.</summary>
    public int PlaneSize => Height * Width;

    /// <summary>The shape as <c>3x32x32</c>.</summary>
    public override string ToString() => FormattableString.Invariant($"{Channels}x{Height}x{Width}");
}
