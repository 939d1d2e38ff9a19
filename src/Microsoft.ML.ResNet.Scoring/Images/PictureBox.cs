namespace Microsoft.ML.ResNet.Images;

/// <summary>A part of a picture.</summary>
/// <param name="Top">Its first row.</param>
/// <param name="Left">Its first column.</param>
/// <param name="Height">Its rows, at least 1.</param>
/// <param name="Width">Its columns, at least 1.</param>
internal readonly record struct PictureBox(int Top, int Left, int Height, int Width)
{
    /// <summary>The same part of the same picture at another size.</summary>
    /// <param name="from">The size in which this box is given.</param>
    /// <param name="to">The other size.</param>
    public PictureBox Scale(PictureSize from, PictureSize to)
    {
        var (top, height) = Scale(Top, Height, from.Height, to.Height);
        var (left, width) = Scale(Left, Width, from.Width, to.Width);
        return new(top, left, height, width);
    }

    private static (int First, int Count) Scale(int first, int count, int from, int to)
    {
        var start = Math.Min(to - 1, (int)Math.Round((double)first * to / from));
        var end = Math.Min(to, (int)Math.Round((double)(first + count) * to / from));
        return (start, Math.Max(1, end - start));
    }
}
