namespace Microsoft.ML.ResNet.Reports;

/// <summary>How <see cref="ImageGridCatalog.SaveImageGrid"/> draws images. Everything has a default. Immutable.</summary>
public sealed record ImageGridOptions
{
    private const int Most = 100, SmallestCell = 16, LargestCell = 1024;
    private const long MostPixels = 200_000_000; // 800 MB

    /// <summary>Rows of images; 1 to 100. The default is 4. All cells together have 200 million pixels at most.</summary>
    public int Rows { get; init; } = 4;

    /// <summary>Columns of images; 1 to 100. The default is 8.</summary>
    public int Columns { get; init; } = 8;

    /// <summary>The column of the images. The default is <c>Features</c>.</summary>
    public string FeatureColumnName { get; init; } = ImageColumns.Features;

    /// <summary>The column of the labels: names of classes as text, or keys. The default is <c>Label</c>.</summary>
    public string LabelColumnName { get; init; } = ImageColumns.Label;

    /// <summary>
    /// The shape in which a network would take the images; 1 or 3 channels. The default, <see langword="null"/>, is that of the column, and
    /// 3x224x224 for files.
    /// </summary>
    public ImageShape? ImageShape { get; init; }

    /// <summary>How pictures of another size become that. The default is <see cref="ImageGeometry.CenterCrop"/>.</summary>
    public ImageGeometry ImageGeometry { get; init; } = ImageGeometry.CenterCrop;

    /// <summary>Where the channels of a pixel lie in a vector. The default reads it off the vector's dimensions.</summary>
    public PixelLayout PixelLayout { get; init; } = PixelLayout.Auto;

    /// <summary>Which channel comes first in a vector. The default is red.</summary>
    public ChannelOrder ChannelOrder { get; init; } = ChannelOrder.Rgb;

    /// <summary>
    /// The values of black and full pixels in vectors of <see cref="float"/>. The default, <see langword="null"/>, is 0 and 255.
    /// </summary>
    public PixelRange? PixelRange { get; init; }

    /// <summary>Random changes, as training makes them. The default is none.</summary>
    public AugmentationPolicy Augmentation { get; init; } = AugmentationPolicy.None;

    /// <summary>How the images are mixed with one another. The default, <see langword="null"/>, is not at all.</summary>
    public ImageMix? Mix { get; init; }

    /// <summary>The sides of an image in the drawing, in pixels; 16 to 1,024. The default is 128.</summary>
    public int CellSide { get; init; } = 128;

    /// <summary>Decides which images are taken, and what is done to them. The default is 1.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Stops the work. The default never does.</summary>
    public CancellationToken CancellationToken { get; init; }

    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    internal void Check()
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(FeatureColumnName);
        ArgumentException.ThrowIfNullOrWhiteSpace(LabelColumnName);
        if (Rows is < 1 or > Most || Columns is < 1 or > Most)
            throw new ArgumentOutOfRangeException(nameof(Rows), $"A grid has 1 to {Most} rows and columns, not {Rows} and {Columns}.");
        if (CellSide is < SmallestCell or > LargestCell)
            throw new ArgumentOutOfRangeException(nameof(CellSide), CellSide, $"CellSide must be {SmallestCell} to {LargestCell} pixels.");
        if ((long)Rows * Columns * CellSide * CellSide is > MostPixels and var pixels)
            throw new ArgumentException($"{Rows} rows and {Columns} columns of images of {CellSide} pixels have {pixels} pixels; expected "
                + $"{MostPixels} at most. Take fewer rows or columns, or a smaller CellSide.");
        string[] problems = [.. Augmentation.SelectMany(one => one.Problems()), .. Mix?.Problems() ?? [], .. ImageGeometry.Problems()];
        if (problems.Length > 0)
            throw new ArgumentException(string.Join(" ", problems));
    }
}
