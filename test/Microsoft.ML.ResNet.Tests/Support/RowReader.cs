using Microsoft.ML.Data;

namespace Microsoft.ML.ResNet.Tests.Support;

/// <summary>One row, copied: it outlives the cursor.</summary>
/// <param name="Id">The row's id, the same from every cursor of one view.</param>
/// <param name="Batch">The batch number, by which the rows of a cursor set are put back in order.</param>
/// <param name="Cells">One entry per column of the schema; <see cref="RowReader.Unread"/> where the column was not read.</param>
internal sealed record RowCopy(DataViewRowId Id, long Batch, object?[] Cells);

/// <summary>Reads a cursor row by row into <see cref="RowCopy"/>, and holds the cursor to its contract on the way.</summary>
internal sealed class RowReader : IDisposable
{
    /// <summary>Stands in <see cref="RowCopy.Cells"/> for a column that was not read.</summary>
    public static readonly object Unread = new();

    private readonly DataViewRowCursor _cursor;
    private readonly ValueGetter<DataViewRowId> _id;
    private readonly Func<object?>?[] _cells;
    private long _rows;
    private long _batch = long.MinValue;

    /// <summary>Takes over <paramref name="cursor"/> and reads its active columns, or of these only <paramref name="read"/>.</summary>
    public RowReader(DataViewRowCursor cursor, Func<DataViewSchema.Column, bool>? read = null)
    {
        _cursor = cursor;
        _id = cursor.GetIdGetter();
        _cells = [.. cursor.Schema.Select(column => cursor.IsColumnActive(column) && read?.Invoke(column) != false
            ? CellReader.Create(cursor, column)
            : null)];
        Assert.AreEqual(-1, cursor.Position, "A cursor's Position before the first row");
    }

    /// <summary>
    /// Opens a cursor with the columns <paramref name="active"/> (default: all) and reads all of them, or only <paramref name="read"/>.
    /// </summary>
    public static RowReader Open(IDataView view, Func<DataViewSchema.Column, bool>? active = null,
        Func<DataViewSchema.Column, bool>? read = null, Random? random = null)
    {
        var columns = view.Schema.Where(active ?? (_ => true)).ToArray();
        var cursor = view.GetRowCursor(columns, random);
        Assert.AreSame(view.Schema, cursor.Schema, "A cursor's Schema is the very object that its view's Schema is");
        foreach (var column in columns)
            Assert.IsTrue(cursor.IsColumnActive(column), $"Column '{column.Name}' was asked for but is not active in the cursor.");
        return new(cursor, read);
    }

    /// <summary>Every row of <paramref name="view"/> with all columns, in order.</summary>
    public static List<RowCopy> ReadAll(IDataView view, Random? random = null)
    {
        using var reader = Open(view, random: random);
        return reader.ReadRest();
    }

    /// <summary>Moves to the next row and copies it; null at the end.</summary>
    public RowCopy? Read() => Move() ? Copy() : null;

    /// <summary>Moves to the next row; false at the end.</summary>
    public bool Move()
    {
        if (!_cursor.MoveNext())
        {
            Assert.AreEqual(-1, _cursor.Position, "A cursor's Position after the last row");
            return false;
        }
        Assert.AreEqual(_rows++, _cursor.Position, "Positions count up from 0");
        Assert.IsGreaterThanOrEqualTo(_batch, _cursor.Batch, "A cursor's Batch never decreases");
        _batch = _cursor.Batch;
        return true;
    }

    /// <summary>Copies the row to which <see cref="Move"/> moved.</summary>
    public RowCopy Copy()
    {
        DataViewRowId id = default;
        _id(ref id);
        return new(id, _batch, [.. _cells.Select(cell => cell is null ? Unread : cell())]);
    }

    /// <summary>Copies all rows that are left.</summary>
    public List<RowCopy> ReadRest()
    {
        var rows = new List<RowCopy>();
        while (Read() is { } row)
            rows.Add(row);
        return rows;
    }

    /// <summary>Disposes the cursor.</summary>
    public void Dispose() => _cursor.Dispose();
}
