using Microsoft.ML.Data;

namespace Microsoft.ML.ResNet.Reports.DataCheck;

/// <summary>The features that a network has for images.</summary>
internal static class ImageFeatures
{
    private const string Column = "Features of the check";

    /// <summary>Computes them; files are read one after the other, decoded and scored on all cores.</summary>
    /// <param name="network">The network.</param>
    /// <param name="images">The images; each can be read.</param>
    /// <param name="progress">Is told how many are done.</param>
    /// <param name="cancellation">Stops before the next image.</param>
    /// <returns>The features, one image after the other, and how many each has; NaN for an image that cannot be read any more.</returns>
    public static (float[] Values, int Width) Of(ResNetTransformer network, IReadOnlyList<CheckedImage> images, Action<int>? progress,
        CancellationToken cancellation)
    {
        var schema = SchemaDefinition.Create(typeof(Row));
        schema[nameof(Row.File)].ColumnName = network.FeatureColumnName;
        var rows = new MLContext().Data.LoadFromEnumerable(images.Select(image =>
        {
            cancellation.ThrowIfCancellationRequested();
            return new Row { File = image.TryRead(out _) ?? [] };
        }), schema);
        var view = network.Featurize(rows, Column);
        var column = view.Schema[Column];
        var width = ((VectorDataViewType)column.Type).Size;
        var values = new float[images.Count * width];
        using var cursor = view.GetRowCursor([column]);
        var getter = cursor.GetGetter<VBuffer<float>>(column);
        VBuffer<float> features = default;
        for (var image = 0; cursor.MoveNext(); image++)
        {
            getter(ref features);
            features.CopyTo(values.AsSpan(image * width, width));
            progress?.Invoke(image + 1);
        }
        return (values, width);
    }

    private sealed class Row
    {
        public byte[] File { get; set; } = [];
    }
}
