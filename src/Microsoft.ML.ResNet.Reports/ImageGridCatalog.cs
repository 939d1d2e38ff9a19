using Microsoft.ML.ResNet;
using Microsoft.ML.ResNet.Images.Columns;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Reports;
using Microsoft.ML.ResNet.Reports.Sampling;

namespace Microsoft.ML;

/// <summary>Pictures of data, as an addition to <see cref="DataOperationsCatalog"/>.</summary>
public static class ImageGridCatalog
{
    private static readonly ImageShape OfFiles = new(3, 224, 224);

    /// <summary>
    /// Draws some images of a set, taken at random, with their labels below them, as PNG: to see that the labels are right, and what
    /// augmentation leaves of the images.
    /// </summary>
    /// <param name="catalog">The catalog: <c>mlContext.Data</c>.</param>
    /// <param name="data">The images and their labels.</param>
    /// <param name="path">The file to write; an older one stays as it is until the new one is whole.</param>
    /// <param name="options">How; <see langword="null"/> for the default.</param>
    /// <returns>
    /// The labels in the order of the grid, row by row; fewer than it has places where there are fewer images that can be read.
    /// </returns>
    /// <remarks>Labels are drawn where the system has a font; a Linux without any gives a grid of images alone.</remarks>
    /// <exception cref="ArgumentException">A column is missing or holds no images, or an option is out of its range.</exception>
    /// <exception cref="InvalidDataException">There is no image that can be read.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The file or its folder must not be written.</exception>
    public static IReadOnlyList<string> SaveImageGrid(this DataOperationsCatalog catalog, IDataView data, string path,
        ImageGridOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(data);
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        options ??= new();
        options.Check();
        var shape = options.ImageShape ?? ShapeOf(data, options);
        if (shape.Channels is not (1 or 3) || shape.Height < 1 || shape.Width < 1)
            throw new ArgumentException($"The images have the shape {shape}; expected 1 or 3 channels.");
        float[] middle = [.. Enumerable.Repeat(0.5f, shape.Channels)], usual = [.. Enumerable.Repeat(0.25f, shape.Channels)];
        var pictures = new AugmentedBatch(shape, options.ImageGeometry, options.Augmentation, options.Mix, new Normalization(middle, usual))
        {
            Layout = options.PixelLayout,
            Order = options.ChannelOrder,
            Range = options.PixelRange,
        }.Draw(data, options.FeatureColumnName, options.LabelColumnName, options.Rows * options.Columns, options.Seed,
                options.CancellationToken);
        if (pictures.Count == 0)
            throw new InvalidDataException("There is nothing to show: expected images that can be read, found none.");
        new ImageGrid(options.Columns, options.CellSide).Write(path, pictures, shape);
        return [.. pictures.Select(picture => picture.Label)];
    }

    private static ImageShape ShapeOf(IDataView data, ImageGridOptions options)
        => data.Schema.GetColumnOrNull(options.FeatureColumnName) is { } images
            && ImageColumnKind.Create(images.Type, new(Layout: options.PixelLayout), out _) is { HoldsPictures: false, Shape: { } shape }
            ? shape
            : OfFiles;
}
