using Microsoft.ML.Data;

namespace Microsoft.ML.ResNet.Images.Views;

/// <summary>
/// Labeled images as ML.NET data: the columns of <see cref="ImageColumns"/>, read by cursors and never kept.
/// Rows come in file order only: shuffling is the trainer's work, on pixels it has already read.
/// </summary>
/// <param name="images">Where the rows come from.</param>
internal sealed class LabeledImageView(ILabeledImages images) : IDataView
{
    /// <summary>The index of <see cref="ImageColumns.Features"/> in the schema.</summary>
    public const int FeaturesIndex = 0;

    /// <summary>The index of <see cref="ImageColumns.Label"/> in the schema.</summary>
    public const int LabelIndex = 1;

    // Annotations of the column of images, so that they are lost with the first transform that makes other images of these.
    private const string DecodedAheadKind = "DecodedAhead", GeometryKind = "ImageGeometry";

    /// <inheritdoc/>
    public bool CanShuffle => false;

    /// <inheritdoc/>
    public DataViewSchema Schema { get; } = MakeSchema(images);

    /// <inheritdoc/>
    public long? GetRowCount() => images.Count;

    /// <summary>A cursor over all rows in file order; <paramref name="rand"/> is ignored, as <see cref="CanShuffle"/> announces.</summary>
    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        ArgumentNullException.ThrowIfNull(columnsNeeded);
        var active = new bool[Schema.Count];
        foreach (var column in columnsNeeded)
        {
            if (column.Index >= active.Length)
                throw new ArgumentOutOfRangeException(nameof(columnsNeeded), column.Name,
                    "This column is not part of the schema of the loaded images.");
            active[column.Index] = true;
        }
        return new LabeledImageCursor(Schema, active, images.Read(withBytes: active[FeaturesIndex], RowsWanted.OfThisCursor));
    }

    /// <summary>One cursor, whatever <paramref name="n"/> says: decoding is already parallel inside it.</summary>
    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
        [GetRowCursor(columnsNeeded, rand)];

    /// <summary>
    /// Whether a column holds the images of such a view as they are. They come decoded, on several cores already, so that a reader does
    /// best to ask for one cursor: behind a transform that adds a column, ML.NET would split it in two and join it again, and copy every
    /// image three times on the way.
    /// </summary>
    public static bool IsDecodedAhead(DataViewSchema.Column images)
        => images.Annotations.Schema.GetColumnOrNull(DecodedAheadKind) is not null;

    /// <summary>
    /// How the pictures behind such a view's column have become images; <see langword="null"/> where nobody knows.
    /// </summary>
    public static ImageGeometry? GeometryOf(DataViewSchema.Column images)
    {
        if (images.Annotations.Schema.GetColumnOrNull(GeometryKind) is not { Type: TextDataViewType })
            return null;
        ReadOnlyMemory<char> text = default;
        images.Annotations.GetValue(GeometryKind, ref text);
        return ImageGeometryText.Parse(text.Span);
    }

    private static DataViewSchema MakeSchema(ILabeledImages images) => images.Shape is { } shape
        ? OfPixels(shape, images.Geometry)
        : OfFiles();

    private static DataViewSchema OfFiles()
    {
        var builder = new DataViewSchema.Builder();
        builder.AddColumn(ImageColumns.Features, new VectorDataViewType(NumberDataViewType.Byte));
        builder.AddColumn(ImageColumns.Label, TextDataViewType.Instance);
        builder.AddColumn(ImageColumns.ImagePath, TextDataViewType.Instance);
        return builder.ToSchema();
    }

    private static DataViewSchema OfPixels(ImageShape shape, ImageGeometry? geometry)
    {
        var decodedAhead = new DataViewSchema.Annotations.Builder();
        decodedAhead.AddPrimitiveValue(DecodedAheadKind, BooleanDataViewType.Instance, true);
        if (geometry is not null)
            decodedAhead.Add<ReadOnlyMemory<char>>(GeometryKind, TextDataViewType.Instance,
                (ref ReadOnlyMemory<char> text) => text = ImageGeometryText.Print(geometry).AsMemory());
        var builder = new DataViewSchema.Builder();
        builder.AddColumn(ImageColumns.Features, new VectorDataViewType(NumberDataViewType.Byte, shape.Channels, shape.Height, shape.Width),
            decodedAhead.ToAnnotations());
        builder.AddColumn(ImageColumns.Label, TextDataViewType.Instance);
        return builder.ToSchema();
    }
}
