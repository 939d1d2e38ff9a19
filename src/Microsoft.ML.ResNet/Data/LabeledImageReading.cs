using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Foundation;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Images.Columns;
using Microsoft.ML.ResNet.Images.Views;
using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Data;

/// <summary>One pass over a data view: rows in their order, encoded files decoded on several threads ahead of it.</summary>
internal sealed class LabeledImageReading : IDisposable
{
    private readonly IDataView _data;
    private readonly LabeledImageColumns _columns;
    private readonly ImageRequest _request;
    private readonly ImageMemory _memory;
    private readonly Action _checkAlive;
    private readonly UnusableRows _leftOut;
    private readonly DataViewRowCursor _cursor;
    private readonly ImageColumnReader _image;
    private readonly int[] _rowsPerClass;
    private readonly SharedReading? _shared;
    private ImageTarget _stored; // set with the builder
    private ImageShape _shape;
    private PixelStoreBuilder? _builder;

    /// <param name="data">The view.</param>
    /// <param name="columns">Its columns.</param>
    /// <param name="request">In which form the images are wanted.</param>
    /// <param name="memory">How much memory the images may take, and where those go that need more.</param>
    /// <param name="checkAlive">Called before every row; it throws to stop.</param>
    /// <param name="leftOut">Counts the rows that cannot be used, by reason.</param>
    /// <param name="shared">
    /// Where several processes read, each its part of the images; <see langword="null"/> where this one reads all.
    /// </param>
    public LabeledImageReading(IDataView data, LabeledImageColumns columns, ImageRequest request, ImageMemory memory, Action checkAlive,
        UnusableRows leftOut, SharedReading? shared)
    {
        (_data, _columns, _request, _memory, _checkAlive, _leftOut) = (data, columns, request, memory, checkAlive, leftOut);
        _shared = shared;
        _rowsPerClass = new int[checked((int)((KeyDataViewType)columns.Label.Type).Count)];
        if (shared is not null && LabeledImageView.IsDecodedAhead(columns.Feature))
            _cursor = shared.Wanted.Opening(() => Open(data, columns)); // some are other processes'
        else
            _cursor = Open(data, columns);
        _image = columns.Images.Open(_cursor, columns.Feature);
    }

    /// <summary>Reads all rows; <see langword="null"/> when none can be used.</summary>
    public LabeledImageSet? Run()
    {
        ReadAll();
        return Finish();
    }

    /// <summary>Reads all rows, or this process's part of the images.</summary>
    public void ReadAll()
    {
        if (_columns.Images is EncodedImageColumn)
            DecodeAhead();
        else if (_columns.Images is FloatVectorColumn { Range: null } floats)
            ReadFloats(floats);
        else
            foreach (var row in Rows())
                Take(_image, row);
    }

    /// <summary>Makes the set of what was read; <see langword="null"/> when nothing can be used.</summary>
    public LabeledImageSet? Finish()
    {
        if (_shared is not null)
            return _shared.Finish(_builder, _shape, _rowsPerClass, _leftOut);
        return _builder is null or { Count: 0 }
            ? null
            : new LabeledImageSet(_builder.Build(), _shape, _builder.Measure(), _rowsPerClass)
            {
                KeptShape = _stored.Shape == _shape ? null : _stored.Shape,
            };
    }

    /// <summary>Frees what was read and not built.</summary>
    public void Dispose()
    {
        _builder?.Dispose();
        _cursor.Dispose();
    }

    private static DataViewRowCursor Open(IDataView data, LabeledImageColumns columns)
    {
        DataViewSchema.Column[] needed = columns.Weight is { } weight
            ? [columns.Feature, columns.Label, weight]
            : [columns.Feature, columns.Label];
        return columns.Images is EncodedImageColumn || LabeledImageView.IsDecodedAhead(columns.Feature)
            ? SingleCursor.Open(data, needed)
            : data.GetRowCursor(needed);
    }

    // The rows that have a label and a weight; the cursor stands on each while it is handed out.
    private IEnumerable<Row> Rows()
    {
        var readLabel = _cursor.GetGetter<uint>(_columns.Label);
        var readWeight = _columns.Weight is { } weightColumn ? _cursor.GetGetter<float>(weightColumn) : null;
        for (var index = 0L; SourceErrors.MoveNext(_cursor); index++)
        {
            _checkAlive();
            uint key = 0;
            var weight = 1f;
            readLabel(ref key);
            readWeight?.Invoke(ref weight);
            if (key == 0 || key > _rowsPerClass.Length) // ML.NET's keys start at 1; 0 is missing
                _leftOut.MissingLabels++;
            else if (!(float.IsFinite(weight) && weight > 0))
                _leftOut.UnusableWeights++;
            else
            {
                _shared?.Add(index, (int)key - 1, readWeight is null ? null : weight);
                yield return new(index, (int)key - 1, readWeight is null ? null : weight);
            }
        }
    }

    private void Take(ImageColumnReader image, Row row)
    {
        var problem = default(string);
        if (TryStart(image, out problem) && !IsOwn(row))
            return;
        if (problem is null && image.TryRead(_stored, _builder!.NextImage, out var picture, out problem))
            Add(row, picture);
        else
            AddUnreadable(row, problem!);
    }

    private bool IsOwn(Row row) => _shared is null || _shared.IsOwn(row.Index);

    private void AddUnreadable(Row row, string problem)
    {
        if (_shared is null)
            _leftOut.UnreadableImages.Add(row.Index, problem);
        else
            _shared.AddUnreadable(row.Index, problem);
    }

    private void Add(Row row, PictureSize picture)
    {
        _builder!.Add(row.Class, row.Weight, picture);
        if (_shared is null)
            _rowsPerClass[row.Class]++;
    }

    // Rounding to bytes needs the range of the numbers, which the first rows tell.
    private void ReadFloats(FloatVectorColumn column)
    {
        var first = new FirstFloatRows(column, _cursor.GetGetter<VBuffer<float>>(_columns.Feature));
        var firstRows = new List<Row>();
        var isSettled = false;
        foreach (var row in Rows())
        {
            if (isSettled)
            {
                Take(_image, row);
                continue;
            }
            firstRows.Add(row);
            if (first.Add())
                Settle();
        }
        if (!isSettled)
            Settle();

        void Settle()
        {
            foreach (var (image, row) in first.Settle().Zip(firstRows))
                Take(image, row);
            isSettled = true;
        }
    }

    private void DecodeAhead()
    {
        var threads = Environment.ProcessorCount;
        foreach (var file in ReadAhead.InOrder(Files(), file => file.Decode(_stored), threads))
        {
            if (file.Problem is { } problem)
            {
                AddUnreadable(file.Row, problem);
            }
            else
            {
                file.Pixels.CopyTo(_builder!.NextImage);
                Add(file.Row, file.Picture);
            }
            file.Return();
        }
    }

    // Walked by the thread of the cursor. Files are copied, because the cursor moves on while they are decoded.
    private IEnumerable<EncodedFile> Files()
    {
        foreach (var row in Rows())
            if (!TryStart(_image, out var problem))
                AddUnreadable(row, problem);
            else if (IsOwn(row))
                yield return new EncodedFile(row, _image.CopyFile()!);
    }

    [MemberNotNullWhen(true, nameof(_builder))]
    private bool TryStart(ImageColumnReader image, [NotNullWhen(false)] out string? problem)
    {
        problem = null;
        if (_builder is not null)
            return true;
        if (_request.Shape is { } known)
            _shape = known;
        else if (_columns.Images.Shape is { } told)
            _shape = told;
        else if (!image.TryReadShape(_request.Geometry, out _shape, out problem))
            return false;
        if (!ModelLimits.Allow(_shape)) // before memory is taken for them: what cannot be saved is not trained
            throw new InvalidOperationException(
                $"The images are {_shape} (channels x height x width); a model takes {ModelLimits.ImageShapes}. "
                + "Set ImageHeight and ImageWidth to have them resized, or resize them before.");
        var target = new ImageTarget(_shape, _request.Geometry);
        var kept = _columns.Images.HoldsPictures ? _request.Keep?.Invoke(_shape) : null;
        _stored = kept is { } whole ? new(whole, _request.Geometry.Whole) : target;
        var rows = _data.GetRowCount();
        _builder = new PixelStoreBuilder(_stored.Shape, _memory, _shared is null ? rows : _shared.PartOf(rows),
            target: kept is null ? null : target);
        return true;
    }

    /// <summary>A row whose label and weight can be used.</summary>
    /// <param name="Index">Its number, from 0.</param>
    /// <param name="Class">Its class, from 0.</param>
    /// <param name="Weight">What it counts; <see langword="null"/> where all count the same.</param>
    private readonly record struct Row(long Index, int Class, float? Weight);

    /// <summary>A row's file, on its way through a thread that decodes.</summary>
    private sealed class EncodedFile(Row row, FileCopy content)
    {
        private byte[] _pixels = [];
        private int _length;

        public Row Row => row;

        public PictureSize Picture { get; private set; }

        public string? Problem { get; private set; }

        public ReadOnlySpan<byte> Pixels => _pixels.AsSpan(0, _length);

        public EncodedFile Decode(ImageTarget target)
        {
            _length = target.Shape.Size;
            _pixels = ArrayPool<byte>.Shared.Rent(_length);
            ImageDecoder.TryDecode(content.Content, target, _pixels.AsSpan(0, _length), out var picture, out var problem);
            (Picture, Problem) = (picture, problem);
            content.Dispose();
            return this;
        }

        public void Return() => ArrayPool<byte>.Shared.Return(_pixels);
    }
}
