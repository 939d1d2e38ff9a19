using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Images.Columns;
using Microsoft.ML.ResNet.Reports.Sampling;

namespace Microsoft.ML.ResNet.Reports.Report;

/// <summary>Data behind a model: its outcomes in one pass, and then some of its pictures in another.</summary>
internal sealed class ScoredData
{
    private readonly IDataView _scored;
    private readonly ResNetTransformer _network;
    private readonly DataViewSchema.Column _label, _score, _feature;
    private readonly DataViewSchema.Column? _path;
    private readonly CancellationToken _cancellation;

    /// <param name="model">The network, or a pipeline with it.</param>
    /// <param name="network">The network.</param>
    /// <param name="data">The pictures and their labels.</param>
    /// <param name="labelColumn">The column of the labels, before or after the pipeline.</param>
    /// <param name="cancellation">Is looked at before each picture.</param>
    /// <exception cref="ArgumentException">A column is missing.</exception>
    public ScoredData(ITransformer model, ResNetTransformer network, IDataView data, string labelColumn, CancellationToken cancellation)
    {
        (_network, _cancellation) = (network, cancellation);
        _scored = model.Transform(data);
        _label = Column(labelColumn);
        _score = Column(network.Columns.ScoreColumn);
        _feature = Column(network.FeatureColumnName);
        _path = _scored.Schema.GetColumnOrNull(ImageColumns.ImagePath) is { Type: TextDataViewType } path ? path : null;
    }

    /// <summary>Pictures of classes that the model does not know; known after <see cref="ReadOutcomes"/>.</summary>
    public long UnknownClasses { get; private set; }

    /// <summary>Pictures that cannot be read; known after <see cref="ReadOutcomes"/>.</summary>
    public long Unreadable { get; private set; }

    /// <summary>What is done with a picture.</summary>
    /// <param name="row">Its row.</param>
    /// <param name="name">Its name.</param>
    /// <param name="pixels">
    /// The picture as the network sees it, planar; <see langword="null"/> where nobody asked for it, or it cannot be read.
    /// </param>
    public delegate void Work(long row, string name, ReadOnlyMemory<byte>? pixels);

    /// <summary>Scores all pictures.</summary>
    public List<Outcome> ReadOutcomes()
    {
        var outcomes = new List<Outcome>();
        using var cursor = _scored.GetRowCursor([_label, _score]);
        var labelOf = LabelNames.Open(cursor, _label);
        var classes = _network.Model.ClassNames.Index().ToDictionary(one => one.Item, one => one.Index, StringComparer.Ordinal);
        var getScores = cursor.GetGetter<VBuffer<float>>(_score);
        VBuffer<float> scores = default;
        while (Move(cursor))
        {
            if (!classes.TryGetValue(labelOf(), out var label)) // by its name, whatever the order of the keys
            {
                UnknownClasses++;
                continue;
            }
            getScores(ref scores);
            if (float.IsNaN(scores.GetValues()[0])) // as all are, without a picture
                Unreadable++;
            else
                outcomes.Add(Outcome.Of(cursor.Position, label, scores.GetValues()));
        }
        return outcomes;
    }

    /// <summary>Reads some rows again.</summary>
    /// <param name="wanted">Rows, and whether their pixels are wanted.</param>
    /// <param name="work">Is given them, in the order of the data.</param>
    public void ReadPictures(IReadOnlyDictionary<long, bool> wanted, Work work)
    {
        var left = wanted.Count;
        using var cursor = _scored.GetRowCursor(_path is { } column ? [_feature, column] : [_feature]);
        var shape = _network.Model.ImageShape;
        var target = new ImageTarget(shape, _network.Model.ImageGeometry);
        var columns = _network.Columns;
        var reader = ImageColumnKind.Create(_feature.Type,
            new(shape.Height, shape.Width, shape.Channels, columns.Layout, columns.Order, columns.Range), out _)!.Open(cursor, _feature);
        var getPath = _path is { } path ? cursor.GetGetter<ReadOnlyMemory<char>>(path) : null;
        var pixels = new byte[shape.Size];
        ReadOnlyMemory<char> name = default;
        while (left > 0 && Move(cursor))
        {
            if (!wanted.TryGetValue(cursor.Position, out var withPixels))
                continue;
            left--;
            getPath?.Invoke(ref name);
            var isRead = withPixels && reader.TryRead(target, pixels, out _, out _);
            work(cursor.Position, getPath is null ? $"row {cursor.Position + 1}" : name.ToString(),
                isRead ? pixels : default(ReadOnlyMemory<byte>?)); // a bare null would be memory without bytes
        }
    }

    private bool Move(DataViewRowCursor cursor)
    {
        _cancellation.ThrowIfCancellationRequested();
        return cursor.MoveNext();
    }

    private DataViewSchema.Column Column(string name) => _scored.Schema.GetColumnOrNull(name)
        ?? throw new ArgumentException($"There is no column '{name}' behind the model; expected pictures, labels and scores. There are "
            + $"{string.Join(", ", _scored.Schema.Where(column => !column.IsHidden).Select(column => $"'{column.Name}'"))}.");
}
