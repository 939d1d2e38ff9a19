using System.Runtime.CompilerServices;

namespace Microsoft.ML.ResNet.Cpu.Kernels;

/// <summary>
/// The offsets of the tiles of pixels that Winograd's convolution computes: row by row, image by image. Divides once, and then counts.
/// </summary>
internal struct WinogradTileCursor
{
    private readonly int _columns, _rows;
    private readonly nint _step, _toNextRow, _toNextImage;
    private int _column, _row;
    private nint _offset;

    /// <param name="size">Pixels on a side of a tile.</param>
    /// <param name="columns">Tiles in a row.</param>
    /// <param name="rows">Rows of tiles in an image.</param>
    /// <param name="pixel">Floats from a pixel to the next in its row.</param>
    /// <param name="row">Floats from a row of pixels to the next.</param>
    /// <param name="image">Floats from an image to the next.</param>
    /// <param name="first">The tile to start with.</param>
    public WinogradTileCursor(int size, int columns, int rows, nint pixel, nint row, nint image, int first)
    {
        (_columns, _rows) = (columns, rows);
        (_step, _toNextRow, _toNextImage) = (size * pixel, size * row - columns * size * pixel, image - rows * size * row);
        (var line, _column) = Math.DivRem(first, columns);
        (var before, _row) = Math.DivRem(line, rows);
        _offset = before * image + size * (_row * row + _column * pixel);
    }

    /// <summary>Whether the next tile is the last of its row.</summary>
    public readonly bool IsAtRight => _column + 1 == _columns;

    /// <summary>Whether the next tile is in the last row of its image.</summary>
    public readonly bool IsAtBottom => _row + 1 == _rows;

    /// <summary>The offset of the next tile, in floats from that of the first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public nint Next()
    {
        var offset = _offset;
        _offset += _step;
        if (++_column < _columns)
            return offset;
        _column = 0;
        _offset += _toNextRow;
        if (++_row < _rows)
            return offset;
        _row = 0;
        _offset += _toNextImage;
        return offset;
    }
}
