using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Images.Columns;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.ResNet.Scoring;

/// <summary>
/// A view with scores or features added, lazily: a cursor reads ahead a batch of images and computes them in one go. Rows keep the order of
/// the source, which is asked for no shuffling.
/// </summary>
/// <remarks>
/// The read-ahead has a cursor of its own over the feature column alone, and the other columns are passed through from a second
/// cursor. So values of any type pass unchanged and no column is computed twice, unless the consumer asks for the features too.
/// </remarks>
internal sealed class ScoredView : IDataView
{
    private readonly IChannelProvider _channels;
    private readonly IDataView _source;
    private readonly ColumnBindings _bindings;
    private readonly ImageOutput _output;
    private readonly ImageTarget _target;
    private readonly ImageColumnKind _images;
    private readonly DataViewSchema.Column _feature;
    private int _reported; // 1 once a cursor has told which images could not be read

    /// <param name="channels">Where to tell, once, of images that cannot be read.</param>
    /// <param name="source">The rows to score.</param>
    /// <param name="bindings">
    /// Where the added columns stand among the source's: each behind the column that it hides, or else at the end.
    /// </param>
    /// <param name="output">
    /// What is computed: vectors of it; the predicted class and the problem, if they are among the added columns.
    /// </param>
    /// <param name="target">What the model takes.</param>
    /// <param name="images">How to read the images of the source.</param>
    /// <param name="feature">The source's column of images.</param>
    public ScoredView(IChannelProvider channels, IDataView source, ColumnBindings bindings, ImageOutput output, ImageTarget target,
        ImageColumnKind images, DataViewSchema.Column feature)
    {
        _channels = channels;
        _source = source;
        _bindings = bindings;
        _output = output;
        _target = target;
        _images = images;
        _feature = feature;
    }

    /// <inheritdoc/>
    public DataViewSchema Schema => _bindings.Schema;

    /// <inheritdoc/>
    public bool CanShuffle => false;

    /// <inheritdoc/>
    public long? GetRowCount() => _source.GetRowCount();

    /// <inheritdoc/>
    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        var active = new bool[Schema.Count];
        foreach (var column in columnsNeeded)
            active[column.Index] = true;
        var activeSource = _bindings.GetActiveInput(column => active[column]);
        var passedThrough = _source.Schema.Where(column => activeSource[column.Index]);
        var scores = _bindings.AddedColumnIndices.Any(column => active[column]);
        var rows = Open(passedThrough);
        DataViewRowCursor? ahead = null;
        try
        {
            ahead = scores ? Open([_feature]) : null;
            return new Cursor(this, active, rows, ahead);
        }
        catch
        {
            rows.Dispose();
            ahead?.Dispose();
            throw;
        }
    }

    private DataViewRowCursor Open(IEnumerable<DataViewSchema.Column> columns)
        => _images is EncodedImageColumn ? SingleCursor.Open(_source, columns) : _source.GetRowCursor(columns);

    /// <inheritdoc/>
    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null)
        => [GetRowCursor(columnsNeeded, rand)];

    private sealed class Cursor : DataViewRowCursor
    {
        private readonly ScoredView _view;
        private readonly bool[] _active;
        private readonly DataViewRowCursor _rows;
        private readonly DataViewRowCursor? _ahead;
        private readonly ImageColumnReader? _image;
        private readonly ScoreBuffer? _batch;
        private int _rowInBatch = -1;

        public Cursor(ScoredView view, bool[] active, DataViewRowCursor rows, DataViewRowCursor? ahead)
        {
            _view = view;
            _active = active;
            _rows = rows;
            _ahead = ahead;
            if (ahead is not null)
            {
                _image = view._images.Open(ahead, view._feature);
                _batch = new ScoreBuffer(view._output, view._target, BatchScorer.BatchOf(view._target.Shape));
            }
        }

        public override DataViewSchema Schema => _view.Schema;

        public override long Position => _rows.Position;

        public override long Batch => _rows.Batch;

        public override ValueGetter<DataViewRowId> GetIdGetter() => _rows.GetIdGetter();

        public override bool IsColumnActive(DataViewSchema.Column column) => _active[column.Index];

        public override bool MoveNext()
        {
            if (!SourceErrors.MoveNext(_rows))
            {
                Report();
                return false;
            }
            if (_batch is not null && ++_rowInBatch == _batch.Count)
                ReadAhead();
            return true;
        }

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            if (!_active[column.Index])
                throw Contracts.ExceptParam(nameof(column),
                    $"Column '{column.Name}' is not active. Name it among the columns needed when the cursor is opened.");
            var index = _view._bindings.MapColumnIndex(out var isPassedThrough, column.Index);
            if (isPassedThrough)
                return _rows.GetGetter<TValue>(_view._source.Schema[index]);
            Delegate getter = column.Type switch
            {
                VectorDataViewType => (ValueGetter<VBuffer<float>>)GetValues,
                TextDataViewType => (ValueGetter<ReadOnlyMemory<char>>)GetProblem,
                _ => (ValueGetter<uint>)GetPredictedLabel,
            };
            return getter as ValueGetter<TValue>
                ?? throw Contracts.Except($"Invalid TValue in GetGetter: '{typeof(TValue)}', expected type: '{column.Type.RawType}'.");
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                Report();
                _rows.Dispose();
                _ahead?.Dispose();
            }
            base.Dispose(disposing);
        }

        private void Report()
        {
            if (_batch is { Problems.Count: > 0 } && Interlocked.Exchange(ref _view._reported, 1) == 0)
                _batch.Report(_view._channels);
        }

        private void ReadAhead()
        {
            _batch!.Clear();
            while (!_batch.IsFull && SourceErrors.MoveNext(_ahead!))
                _batch.Add(_image!);
            if (_batch.Count == 0)
                throw Contracts.Except(
                    "The source of the scores gave fewer rows when it was read a second time. Cache it, so that every reading gives the "
                    + "same rows.");
            _batch.Score();
            _rowInBatch = 0;
        }

        private void GetValues(ref VBuffer<float> value) => _batch!.GetValues(CurrentRow, ref value);

        private void GetPredictedLabel(ref uint value) => _batch!.GetPredictedLabel(CurrentRow, ref value);

        private void GetProblem(ref ReadOnlyMemory<char> value) => _batch!.GetProblem(CurrentRow, ref value);

        private int CurrentRow
            => _rows.Position >= 0
            ? _rowInBatch
            : throw Contracts.Except("Call MoveNext before reading a value, and read none after it returned false.");
    }
}
