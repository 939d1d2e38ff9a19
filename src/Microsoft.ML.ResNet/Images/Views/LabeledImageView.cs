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

    // An annotation of the column of images, so that it is lost with the first transform that makes other images of these.
    private const string DecodedAheadKind = "DecodedAhead";

    /// <inheritdoc/>
    public bool CanShuffle => false;

    /// <inheritdoc/>
    public DataViewSchema Schema { get; } = MakeSchema(images.Shape);

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
        return new LabeledImageCursor(Schema, active, images.Read(withPixels: active[FeaturesIndex]));
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

    private static DataViewSchema MakeSchema(ImageShape shape)
    {
        var decodedAhead = new DataViewSchema.Annotations.Builder();
        decodedAhead.AddPrimitiveValue(DecodedAheadKind, BooleanDataViewType.Instance, true);
        var builder = new DataViewSchema.Builder();
        builder.AddColumn(ImageColumns.Features, new VectorDataViewType(NumberDataViewType.Byte, shape.Channels, shape.Height, shape.Width),
            decodedAhead.ToAnnotations());
        builder.AddColumn(ImageColumns.Label, TextDataViewType.Instance);
        return builder.ToSchema();
    }
}
