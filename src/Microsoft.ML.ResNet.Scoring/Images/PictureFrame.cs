namespace Microsoft.ML.ResNet.Images;

/// <summary>Where the pixels of a file go in an image that lies as the file does; the image is turned upright afterwards.</summary>
/// <param name="Rows">Rows of that image, at least 1.</param>
/// <param name="Columns">Columns of that image, at least 1.</param>
/// <param name="Place">The place of the whole picture in it.</param>
/// <param name="Interpolation">The filter that scales it.</param>
/// <param name="Orientation">How the image is turned.</param>
internal readonly record struct PictureFrame(int Rows, int Columns, ImagePlacement Place, ImageInterpolation Interpolation,
    PictureOrientation Orientation)
{
    /// <summary>The rows of the image that the picture covers.</summary>
    public (int First, int Count) VisibleRows => Visible(Place.Top, Place.Height, Rows);

    /// <summary>The columns of the image that the picture covers.</summary>
    public (int First, int Count) VisibleColumns => Visible(Place.Left, Place.Width, Columns);

    /// <summary>The frame for a picture.</summary>
    /// <param name="geometry">How it becomes an image.</param>
    /// <param name="height">Rows of the file.</param>
    /// <param name="width">Columns of the file.</param>
    /// <param name="orientation">How the picture lies in the file.</param>
    /// <param name="shape">The image.</param>
    public static PictureFrame Of(ImageGeometry geometry, int height, int width, PictureOrientation orientation, ImageShape shape)
    {
        var (uprightHeight, uprightWidth) = orientation.Turn(height, width);
        var place = geometry.Place(uprightHeight, uprightWidth, shape);
        if (orientation.Exchanges)
            place = new(place.Width, place.Height, place.Left, place.Top);
        var (rows, columns) = orientation.Turn(shape.Height, shape.Width);
        if (orientation.MirrorsRows)
            place = place with { Top = rows - place.Top - place.Height };
        if (orientation.MirrorsColumns)
            place = place with { Left = columns - place.Left - place.Width };
        return new(rows, columns, place, geometry.Interpolation, orientation);
    }

    /// <summary>Whether a picture of a size is the image as it is.</summary>
    public bool IsWhole(int height, int width)
        => Orientation.IsUpright && (height, width) == (Rows, Columns) && Place == new ImagePlacement(Rows, Columns, 0, 0);

    private static (int First, int Count) Visible(long start, long length, int side)
    {
        var first = Math.Max(0, start);
        return ((int)first, (int)(Math.Min(side, start + length) - first));
    }
}
