using Microsoft.ML.Data;

namespace Microsoft.ML.ResNet.Images.Views;

/// <summary>One pass over a <see cref="LabeledImageView"/>. Not thread-safe, as all cursors; independent of other cursors.</summary>
/// <param name="schema">The view's schema.</param>
/// <param name="active">For each column, whether the caller may ask for its values.</param>
/// <param name="images">The pass; nothing of it is read before <see cref="MoveNext"/>.</param>
internal sealed class LabeledImageCursor(DataViewSchema schema, bool[] active, IEnumerable<LabeledImage> images) : DataViewRowCursor
{
    private const long NoRow = -1;

    private readonly IEnumerator<LabeledImage> _images = images.GetEnumerator();
    private long _position = NoRow;
    private long _rowsRead;
    private bool _ended;

    /// <inheritdoc/>
    public override DataViewSchema Schema => schema;

    /// <summary>The row's index from 0, or -1 before the first and after the last row.</summary>
    public override long Position => _position;

    /// <summary>Always 0: there is only one cursor, so rows need no merging.</summary>
    public override long Batch => 0;

    /// <inheritdoc/>
    public override bool IsColumnActive(DataViewSchema.Column column) =>
        column.Index < active.Length
            ? active[column.Index]
            : throw new ArgumentOutOfRangeException(nameof(column), column.Name,
                "This column is not part of the schema of the loaded images.");

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">
    /// The next image's file is truncated, foreign or otherwise broken. The cursor has then ended.
    /// </exception>
    public override bool MoveNext()
    {
        _position = NoRow;
        if (_ended)
            return false;
        _ended = true; // holds when reading throws
        if (!_images.MoveNext())
            return false;
        _ended = false;
        _position = _rowsRead++;
        return true;
    }

    /// <inheritdoc/>
    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
    {
        if (!IsColumnActive(column))
            throw new ArgumentOutOfRangeException(nameof(column), column.Name, "This column was not asked for when the cursor was made.");
        Delegate getter = column.Index switch
        {
            LabeledImageView.FeaturesIndex => (ValueGetter<VBuffer<byte>>)GetFeatures,
            LabeledImageView.LabelIndex => (ValueGetter<ReadOnlyMemory<char>>)GetLabel,
            _ => (ValueGetter<ReadOnlyMemory<char>>)GetPath,
        };
        return getter as ValueGetter<TValue>
            ?? throw new InvalidOperationException(
                $"Column '{column.Name}' has values of type {column.Type.RawType}, asked for were values of type {typeof(TValue)}.");
    }

    /// <inheritdoc/>
    public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) =>
    {
        CheckOnRow();
        id = new DataViewRowId((ulong)_position, 0);
    };

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _ended = true;
            _position = NoRow;
            _images.Dispose();
        }
        base.Dispose(disposing);
    }

    private void GetFeatures(ref VBuffer<byte> features)
    {
        CheckOnRow();
        var image = _images.Current;
        var bytes = (image.Later?.Invoke() ?? image.Bytes).Span; // the reader's memory: copied, never handed out
        var editor = VBufferEditor.Create(ref features, bytes.Length);
        bytes.CopyTo(editor.Values);
        features = editor.Commit();
    }

    private void GetLabel(ref ReadOnlyMemory<char> label)
    {
        CheckOnRow();
        label = _images.Current.Label;
    }

    private void GetPath(ref ReadOnlyMemory<char> path)
    {
        CheckOnRow();
        path = _images.Current.Path;
    }

    private void CheckOnRow()
    {
        if (_position == NoRow)
            throw new InvalidOperationException("The cursor is on no row: values can be read only after MoveNext returned true.");
    }
}
