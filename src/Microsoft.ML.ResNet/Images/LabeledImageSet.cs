using Microsoft.ML.Data;

namespace Microsoft.ML.ResNet.Images;

/// <summary>What one pass over a data view yields: the images that can be learnt from, and what was left out.</summary>
/// <param name="Store">The usable images; the set owns it.</param>
/// <param name="Shape">The shape of every image.</param>
/// <param name="Normalization">Mean and deviation of the channels.</param>
/// <param name="RowsPerClass">How many usable images each class has.</param>
/// <param name="MissingLabels">Rows left out because their label is missing.</param>
/// <param name="UnreadableImages">Rows left out because their image cannot be read.</param>
internal sealed record LabeledImageSet(PixelStore Store, ImageShape Shape, Normalization Normalization, IReadOnlyList<int> RowsPerClass, long MissingLabels, long UnreadableImages) : IDisposable
{
    /// <summary>Reads a view, once, from start to end.</summary>
    /// <param name="data">The view.</param>
    /// <param name="images">How to read the images.</param>
    /// <param name="shape">The shape in which to keep them.</param>
    /// <param name="featureColumn">The column of the images.</param>
    /// <param name="labelColumn">The column of the labels: keys.</param>
    /// <param name="checkAlive">Called before every row; it throws to stop.</param>
    public static LabeledImageSet Read(IDataView data, ImageColumn images, ImageShape shape, DataViewSchema.Column featureColumn, DataViewSchema.Column labelColumn, Action checkAlive)
    {
        using var cursor = data.GetRowCursor([featureColumn, labelColumn]);
        using var builder = new PixelStoreBuilder(shape);
        var image = images.Open(cursor, featureColumn);
        var readLabel = cursor.GetGetter<uint>(labelColumn);
        var rowsPerClass = new int[checked((int)((KeyDataViewType)labelColumn.Type).Count)];
        long missingLabels = 0, unreadableImages = 0;
        uint key = 0;
        while (cursor.MoveNext())
        {
            checkAlive();
            readLabel(ref key);
            if (key == 0 || key > rowsPerClass.Length) // ML.NET's keys start at 1; 0 is missing
                missingLabels++;
            else if (!image.TryRead(shape, builder.NextImage))
                unreadableImages++;
            else
            {
                builder.Add((int)key - 1);
                rowsPerClass[key - 1]++;
            }
        }
        return new(builder.Build(), shape, builder.Measure(), rowsPerClass, missingLabels, unreadableImages);
    }

    /// <summary>Frees the images.</summary>
    public void Dispose() => Store.Dispose();
}
