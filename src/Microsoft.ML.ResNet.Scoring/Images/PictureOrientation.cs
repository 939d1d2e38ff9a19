using SkiaSharp;

namespace Microsoft.ML.ResNet.Images;

/// <summary>
/// How the pixels of a file lie beside the picture that viewers show, as a camera's orientation tag (EXIF, 1 to 8) says: the picture's row
/// and column become the file's, exchanged or counted from the other end.
/// </summary>
/// <param name="Exchanges">Whether the picture's rows are the file's columns.</param>
/// <param name="MirrorsRows">Whether the file's rows are counted from its end.</param>
/// <param name="MirrorsColumns">Whether the file's columns are counted from their end.</param>
internal readonly record struct PictureOrientation(bool Exchanges, bool MirrorsRows, bool MirrorsColumns)
{
    /// <summary>Whether the file's pixels lie as the picture's.</summary>
    public bool IsUpright => this == default;

    /// <summary>What a tag means; the codec's numbers are EXIF's.</summary>
    public static PictureOrientation Of(SKEncodedOrigin tag) => tag switch
    {
        SKEncodedOrigin.TopRight => new(false, false, true),
        SKEncodedOrigin.BottomRight => new(false, true, true),
        SKEncodedOrigin.BottomLeft => new(false, true, false),
        SKEncodedOrigin.LeftTop => new(true, false, false),
        SKEncodedOrigin.RightTop => new(true, true, false),
        SKEncodedOrigin.RightBottom => new(true, true, true),
        SKEncodedOrigin.LeftBottom => new(true, false, true),
        _ => default,
    };

    /// <summary>The other size: the picture's of a file's, and the file's of a picture's.</summary>
    public (int Height, int Width) Turn(int height, int width) => Exchanges ? (width, height) : (height, width);

    /// <summary>Turns an image that lies as the file does.</summary>
    /// <param name="stored">Its pixels.</param>
    /// <param name="upright">Receives them as the picture stands.</param>
    /// <param name="height">Rows of the upright image.</param>
    /// <param name="width">Columns of the upright image.</param>
    public void Apply(ReadOnlySpan<uint> stored, Span<uint> upright, int height, int width)
    {
        var (rows, columns) = Turn(height, width);
        for (var y = 0; y < height; y++)
            for (var x = 0; x < width; x++)
            {
                var (row, column) = Exchanges ? (x, y) : (y, x);
                row = MirrorsRows ? rows - 1 - row : row;
                column = MirrorsColumns ? columns - 1 - column : column;
                upright[y * width + x] = stored[row * columns + column];
            }
    }
}
