using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Images.Columns;
using Microsoft.ML.ResNet.Images.Views;
using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Data;

/// <summary>The columns of a set of labelled images.</summary>
/// <param name="Feature">The column of images.</param>
/// <param name="Images">How to read it.</param>
/// <param name="Label">The column of labels: keys of type <see cref="uint"/> with a known count.</param>
/// <param name="Weight">
/// The column of what each row counts, of type <see cref="float"/>; <see langword="null"/> where all count the same.
/// </param>
internal sealed record LabeledImageColumns(DataViewSchema.Column Feature, ImageColumn Images, DataViewSchema.Column Label,
    DataViewSchema.Column? Weight);

/// <summary>What one pass over a data view yields: the images that can be learnt from, and what was left out.</summary>
/// <param name="Store">The usable images; the set owns it.</param>
/// <param name="Shape">The shape of every image.</param>
/// <param name="Normalization">Mean and deviation of the channels.</param>
/// <param name="RowsPerClass">How many usable images each class has.</param>
internal sealed record LabeledImageSet(PixelStore Store, ImageShape Shape, Normalization Normalization, IReadOnlyList<int> RowsPerClass)
    : IDisposable
{
    /// <summary>Reads a view, once, from start to end.</summary>
    /// <param name="data">The view.</param>
    /// <param name="columns">Its columns.</param>
    /// <param name="shape">
    /// The shape in which to keep the images; <see langword="null"/> takes that of the column or of the first readable image.
    /// </param>
    /// <param name="memory">How much memory the images may take, and where those go that need more.</param>
    /// <param name="checkAlive">Called before every row; it throws to stop.</param>
    /// <param name="leftOut">Counts the rows that cannot be used, by reason.</param>
    /// <returns>The set, or <see langword="null"/> when no row can be used.</returns>
    /// <exception cref="IOException">The images need more memory than they may take, and cannot be written to a file.</exception>
    public static LabeledImageSet? Read(IDataView data, LabeledImageColumns columns, ImageShape? shape, ImageMemory memory,
        Action checkAlive, out UnusableRows leftOut)
    {
        shape ??= columns.Images.Shape;
        leftOut = new UnusableRows();
        using var cursor = Open(data, columns);
        var image = columns.Images.Open(cursor, columns.Feature);
        var readLabel = cursor.GetGetter<uint>(columns.Label);
        var readWeight = columns.Weight is { } weightColumn ? cursor.GetGetter<float>(weightColumn) : null;
        var rowsPerClass = new int[checked((int)((KeyDataViewType)columns.Label.Type).Count)];
        PixelStoreBuilder? builder = null;
        try
        {
            while (SourceErrors.MoveNext(cursor))
            {
                checkAlive();
                uint key = 0;
                var weight = 1f;
                readLabel(ref key);
                readWeight?.Invoke(ref weight);
                if (key == 0 || key > rowsPerClass.Length) // ML.NET's keys start at 1; 0 is missing
                    leftOut.MissingLabels++;
                else if (!(float.IsFinite(weight) && weight > 0))
                    leftOut.UnusableWeights++;
                else if (!TryStart(ref builder, image, shape, memory, data) || !image.TryRead(builder!.Shape, builder.NextImage))
                    leftOut.UnreadableImages++;
                else
                {
                    builder.Add((int)key - 1, readWeight is null ? null : weight);
                    rowsPerClass[key - 1]++;
                }
            }
            return builder is null or { Count: 0 } ? null : new(builder.Build(), builder.Shape, builder.Measure(), rowsPerClass);
        }
        finally
        {
            builder?.Dispose();
        }
    }

    /// <summary>Frees the images.</summary>
    public void Dispose() => Store.Dispose();

    private static DataViewRowCursor Open(IDataView data, LabeledImageColumns columns)
    {
        DataViewSchema.Column[] needed = columns.Weight is { } weight
            ? [columns.Feature, columns.Label, weight]
            : [columns.Feature, columns.Label];
        return LabeledImageView.IsDecodedAhead(columns.Feature) ? data.GetRowCursorSet(needed, 1).Single() : data.GetRowCursor(needed);
    }

    private static bool TryStart(ref PixelStoreBuilder? builder, ImageColumnReader image, ImageShape? shape, ImageMemory memory,
        IDataView data)
    {
        if (builder is null && shape is { } known)
            builder = new PixelStoreBuilder(known, memory, data.GetRowCount());
        else if (builder is null && image.TryReadShape(out var first))
            builder = new PixelStoreBuilder(first, memory, data.GetRowCount());
        return builder is not null;
    }
}

/// <summary>Counts of rows that cannot be used.</summary>
internal sealed class UnusableRows
{
    /// <summary>Rows whose label is missing.</summary>
    public long MissingLabels { get; set; }

    /// <summary>Rows whose image is missing or cannot be read.</summary>
    public long UnreadableImages { get; set; }

    /// <summary>Rows whose weight is 0, negative or not a number.</summary>
    public long UnusableWeights { get; set; }

    /// <summary>One sentence for each kind that occurs.</summary>
    public IEnumerable<string> Describe()
    {
        if (MissingLabels > 0)
            yield return $"{MissingLabels} rows have a missing label.";
        if (UnreadableImages > 0)
            yield return $"{UnreadableImages} rows have an image that is missing or cannot be read.";
        if (UnusableWeights > 0)
            yield return $"{UnusableWeights} rows have a weight that is not above 0.";
    }
}
