using Microsoft.ML.Data;

namespace Microsoft.ML.ResNet.Images.Columns;

/// <summary>
/// The first rows of a column of numbers whose range nobody has told: kept until they tell it, because rounding to bytes needs the range.
/// </summary>
/// <param name="column">The column.</param>
/// <param name="getter">Reads the current row of it.</param>
internal sealed class FirstFloatRows(FloatVectorColumn column, ValueGetter<VBuffer<float>> getter)
{
    private const int MostRows = 32;
    private const int MostValues = 1 << 24; // 64 MiB

    private readonly List<ImageColumnReader> _rows = [];
    private PixelValues? _seen;
    private VBuffer<float> _row;
    private long _values;

    /// <summary>Keeps the current row.</summary>
    /// <returns>Whether the rows so far are enough.</returns>
    public bool Add()
    {
        getter(ref _row);
        var values = _row.DenseValues().ToArray();
        _values += values.Length;
        if (PixelValues.Of(values, areAll: true) is { } found)
            _seen = _seen?.With(found) ?? found;
        _rows.Add(column.Read((ref VBuffer<float> value) => value = new VBuffer<float>(values.Length, values)));
        return _rows.Count == MostRows || _values >= MostValues || _seen is { ArePlainlyBytes: true };
    }

    /// <summary>Sets the column's range, once, and gives the rows in their order.</summary>
    /// <exception cref="InvalidDataException">The values tell no range.</exception>
    public IReadOnlyList<ImageColumnReader> Settle()
    {
        if (_seen is { } seen)
            column.Range = seen.Recognize() ?? throw new InvalidDataException(
                $"The values of the images range from {seen} in the first {_rows.Count} rows, which tells neither 0 to 255 nor 0 to 1 nor "
                + "-1 to 1. Set PixelRange in the trainer's options, to PixelRange.OfExtractPixels(offsetImage, scaleImage) for columns "
                + "of ExtractPixels, or leave out its offset and scale: training measures mean and deviation itself.");
        return _rows;
    }
}
