using Microsoft.ML.Data;

namespace Microsoft.ML.ResNet.Tests.Support;

/// <summary>A good view with one thing bent.</summary>
internal sealed class DistortedView(IDataView good) : IDataView
{
    /// <summary>Bends every single cursor; gets it, its columns and its random source.</summary>
    public Func<DataViewRowCursor, IEnumerable<DataViewSchema.Column>, Random?, DataViewRowCursor>? Cursor { get; init; }

    /// <summary>Bends every cursor set.</summary>
    public Func<DataViewRowCursor[], DataViewRowCursor[]>? CursorSet { get; init; }

    /// <summary>Takes the place of the good one's count.</summary>
    public long? RowCount { get; init; }

    /// <summary>Takes the place of the good one's answer.</summary>
    public bool? ClaimsToShuffle { get; init; }

    /// <inheritdoc/>
    public bool CanShuffle => ClaimsToShuffle ?? good.CanShuffle;

    /// <inheritdoc/>
    public DataViewSchema Schema => good.Schema;

    /// <inheritdoc/>
    public long? GetRowCount() => RowCount ?? good.GetRowCount();

    /// <inheritdoc/>
    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        var columns = columnsNeeded.ToArray();
        var cursor = good.GetRowCursor(columns, rand);
        return Cursor is null ? cursor : Cursor(cursor, columns, rand);
    }

    /// <inheritdoc/>
    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null)
    {
        var cursors = good.GetRowCursorSet(columnsNeeded, n, rand);
        return CursorSet is null ? cursors : CursorSet(cursors);
    }
}

/// <summary>A good cursor with one thing bent.</summary>
internal sealed class DistortedCursor(DataViewRowCursor good) : DataViewRowCursor
{
    /// <summary>Takes the place of <see cref="MoveNext"/>; gets the good one.</summary>
    public Func<Func<bool>, bool>? Moving { get; init; }

    /// <summary>Bends every value of type <see cref="float"/>.</summary>
    public Func<float, float>? Floats { get; init; }

    /// <summary>
    /// Called with the column and the type that <see cref="GetGetter"/> was asked for, before the good one is; may throw in its place.
    /// </summary>
    public Action<DataViewSchema.Column, Type>? GetterAsked { get; init; }

    /// <summary>Called by <see cref="Dispose"/>.</summary>
    public Action? Disposing { get; init; }

    /// <inheritdoc/>
    public override long Position => good.Position;

    /// <inheritdoc/>
    public override long Batch => good.Batch;

    /// <inheritdoc/>
    public override DataViewSchema Schema => good.Schema;

    /// <inheritdoc/>
    public override ValueGetter<DataViewRowId> GetIdGetter() => good.GetIdGetter();

    /// <inheritdoc/>
    public override bool IsColumnActive(DataViewSchema.Column column) => good.IsColumnActive(column);

    /// <inheritdoc/>
    public override bool MoveNext() => Moving is null ? good.MoveNext() : Moving(good.MoveNext);

    /// <inheritdoc/>
    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
    {
        GetterAsked?.Invoke(column, typeof(TValue));
        var getter = good.GetGetter<TValue>(column);
        if (Floats is null || getter is not ValueGetter<float> number)
            return getter;
        ValueGetter<float> bent = (ref float value) =>
        {
            number(ref value);
            value = Floats(value);
        };
        return (ValueGetter<TValue>)(Delegate)bent;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            Disposing?.Invoke();
        good.Dispose();
        base.Dispose(disposing);
    }
}
