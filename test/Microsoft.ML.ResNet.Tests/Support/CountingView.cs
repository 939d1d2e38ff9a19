using System.Collections.Concurrent;
using Microsoft.ML.Data;

namespace Microsoft.ML.ResNet.Tests.Support;

/// <summary>Passes a view through and counts what its readers do. All counters are safe to read while cursors run.</summary>
internal sealed class CountingView(IDataView source) : IDataView
{
    private readonly ConcurrentDictionary<string, int> _activations = new();
    private long _cursorsOpened, _cursorsOpen, _rowsRead;

    /// <summary>Cursors that were ever opened, those of cursor sets included.</summary>
    public long CursorsOpened => Interlocked.Read(ref _cursorsOpened);

    /// <summary>Cursors that were opened and not yet disposed.</summary>
    public long CursorsOpen => Interlocked.Read(ref _cursorsOpen);

    /// <summary>Rows that all cursors together moved to.</summary>
    public long RowsRead => Interlocked.Read(ref _rowsRead);

    /// <summary>Names of the columns that any cursor had active, in alphabetical order.</summary>
    public IReadOnlyList<string> ActivatedColumns => [.. _activations.Keys.Order(StringComparer.Ordinal)];

    /// <inheritdoc/>
    public bool CanShuffle => source.CanShuffle;

    /// <inheritdoc/>
    public DataViewSchema Schema => source.Schema;

    /// <summary>How many cursors had the column <paramref name="name"/> active.</summary>
    public int Activations(string name) => _activations.GetValueOrDefault(name);

    /// <summary>
    /// Sets <see cref="CursorsOpened"/>, <see cref="RowsRead"/> and the activations back to 0; open cursors go on counting.
    /// </summary>
    public void Reset()
    {
        Interlocked.Exchange(ref _cursorsOpened, 0);
        Interlocked.Exchange(ref _rowsRead, 0);
        _activations.Clear();
    }

    /// <inheritdoc/>
    public long? GetRowCount() => source.GetRowCount();

    /// <inheritdoc/>
    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
        => Count(source.GetRowCursor(columnsNeeded, rand));

    /// <inheritdoc/>
    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
        Array.ConvertAll(source.GetRowCursorSet(columnsNeeded, n, rand), Count);

    private DataViewRowCursor Count(DataViewRowCursor cursor)
    {
        Interlocked.Increment(ref _cursorsOpened);
        Interlocked.Increment(ref _cursorsOpen);
        foreach (var column in Schema.Where(cursor.IsColumnActive))
            _activations.AddOrUpdate(column.Name, 1, (_, count) => count + 1);
        return new Cursor(this, cursor);
    }

    private sealed class Cursor(CountingView view, DataViewRowCursor source) : DataViewRowCursor
    {
        private bool _disposed;

        public override long Position => source.Position;

        public override long Batch => source.Batch;

        public override DataViewSchema Schema => source.Schema;

        public override ValueGetter<DataViewRowId> GetIdGetter() => source.GetIdGetter();

        public override bool IsColumnActive(DataViewSchema.Column column) => source.IsColumnActive(column);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => source.GetGetter<TValue>(column);

        public override bool MoveNext()
        {
            if (!source.MoveNext())
                return false;
            Interlocked.Increment(ref view._rowsRead);
            return true;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing && !_disposed)
            {
                _disposed = true;
                Interlocked.Decrement(ref view._cursorsOpen);
                source.Dispose();
            }
            base.Dispose(disposing);
        }
    }
}
