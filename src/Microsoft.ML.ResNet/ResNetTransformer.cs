using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Images.Columns;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Persistence;
using Microsoft.ML.ResNet.Scoring;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.ResNet;

/// <summary>
/// The <see cref="ITransformer"/> that scores images with a trained residual network. Adds the columns that
/// <see cref="ResNetTrainer"/> describes. Thread-safe; dispose it to free the network.
/// </summary>
/// <remarks>
/// <see cref="Transform"/> scores batch by batch, as rows are read. A <c>PredictionEngine</c> scores one row at a time, with the same
/// numbers; it disposes the model with itself unless <c>PredictionEngineOptions.OwnsTransformer</c> is false. The transformer may be used
/// by many threads at once; a view's cursor and a <c>PredictionEngine</c>, by one thread at a time.
/// </remarks>
public sealed partial class ResNetTransformer
    : RowToRowTransformerBase, ITransformer, ISingleFeaturePredictionTransformer<ResNetModelParameters>, IDisposable
{
    private readonly TrainedResNet _network;
    private readonly ModelColumns _columns;
    private readonly BatchScorer _scorer;
    private int _reportedRow; // 1 once an image was reported that a prediction engine could not read

    /// <param name="environment">Where it logs, and what cancels it.</param>
    /// <param name="network">The network.</param>
    /// <param name="columns">The columns that it reads and adds.</param>
    /// <param name="numerics">How it computes; <see langword="null"/> is as the process's options say.</param>
    internal ResNetTransformer(IHostEnvironment environment, TrainedResNet network, ModelColumns columns, ResNetNumerics? numerics = null)
        : base(Contracts.CheckRef(environment, nameof(environment)).Register(nameof(ResNetTransformer)))
    {
        _network = network;
        _columns = columns;
        _scorer = new BatchScorer(network, EngineSelection.For(network, numerics ?? ResNetRuntime.Options.Numerics), owner: this);
        Model = new ResNetModelParameters(network);
        using var channel = Host.Start("Scoring");
        channel.Info($"Scoring by {_scorer.Choice.Reason}.");
    }

    /// <summary>The trained network: its plan, images and classes.</summary>
    public ResNetModelParameters Model { get; }

    /// <summary>
    /// What training took over from <see cref="ResNetTrainer.Options.InitialModel"/>; <see langword="null"/> if it started from scratch,
    /// and for a model that was loaded.
    /// </summary>
    public WeightsReport? InitialWeights { get; internal init; }

    /// <summary>
    /// What the weights file gave that <c>mlContext.Model.LoadResNetWeights</c> made this model of; <see langword="null"/> for every other
    /// model, and once it has been saved and loaded.
    /// </summary>
    public WeightsReport? ImportedWeights { get; internal init; }

    /// <summary>What computes the network.</summary>
    internal INetworkEngine Engine => _scorer.Engine;

    /// <summary>What scores with it: mirror images included where the model looks at them.</summary>
    internal BatchScorer Scorer => _scorer;

    /// <summary>The columns that it reads and adds.</summary>
    internal ModelColumns Columns => _columns;

    /// <summary>The column of the images.</summary>
    public string FeatureColumnName => _columns.FeatureColumn;

    /// <summary>
    /// The type in which the model holds images: a vector of bytes, channels x height x width. Other image types are accepted too.
    /// </summary>
    public DataViewType FeatureColumnType
        => new VectorDataViewType(NumberDataViewType.Byte, _network.Shape.Channels, _network.Shape.Height, _network.Shape.Width);

    /// <summary>Adds the scores to a view, lazily and batch by batch.</summary>
    /// <param name="input">The rows to score; they need the feature column only.</param>
    /// <exception cref="ArgumentOutOfRangeException">The feature column is missing or of another type.</exception>
    public new IDataView Transform(IDataView input)
    {
        Host.CheckValue(input, nameof(input));
        var (feature, images) = FindImages(input.Schema);
        return new ScoredView(Host, input, new ColumnBindings(input.Schema, AddedColumns(input.Schema)), ImageOutput.Scores(_scorer),
            _network.Target,
            images, feature);
    }

    /// <summary>
    /// Frees the network, once the batches in flight are done. More calls do nothing; scoring afterwards throws
    /// <see cref="ObjectDisposedException"/>.
    /// </summary>
    public void Dispose() => _scorer.Dispose();

    /// <inheritdoc/>
    protected override IRowMapper MakeRowMapper(DataViewSchema schema) => new RowMapper(this, schema);

    private DataViewSchema.DetachedColumn[] AddedColumns(DataViewSchema input)
        => new ScoreColumns(_columns.PredictedLabelColumn, _columns.ScoreColumn, _columns.ProblemColumn).Create(_network.Classes, input);

    private (DataViewSchema.Column Column, ImageColumnKind Images) FindImages(DataViewSchema schema)
    {
        var column = schema.GetColumnOrNull(_columns.FeatureColumn)
            ?? throw Host.ExceptSchemaMismatch("inputSchema", "feature", _columns.FeatureColumn);
        var shape = _network.Shape;
        var images = ImageColumnKind.Create(column.Type, new(shape.Height, shape.Width, shape.Channels, _columns.Layout, _columns.Order,
            _columns.Range),
            out var problem);
        return (column, images
            ?? throw Host.ExceptParam("inputSchema",
            $"Schema mismatch for feature column '{_columns.FeatureColumn}': expected images of {shape}, {problem}."));
    }

    /// <summary>Scores one row at a time, for <c>PredictionEngine</c>.</summary>
    private sealed class RowMapper : MapperBase
    {
        private readonly ResNetTransformer _parent;
        private readonly DataViewSchema.Column _feature;
        private readonly ImageColumnKind _images;

        public RowMapper(ResNetTransformer parent, DataViewSchema schema) : base(parent.Host.Register(nameof(RowMapper)), schema, parent)
        {
            _parent = parent;
            (_feature, _images) = parent.FindImages(schema);
        }

        private int OutputCount => _parent._columns.ProblemColumn is null ? ScoreColumns.ProblemIndex : ScoreColumns.ProblemIndex + 1;

        protected override DataViewSchema.DetachedColumn[] GetOutputColumnsCore() => _parent.AddedColumns(InputSchema);

        protected override Func<int, bool> GetDependenciesCore(Func<int, bool> activeOutput)
        {
            var any = Enumerable.Range(0, OutputCount).Any(activeOutput);
            return column => any && column == _feature.Index;
        }

        public override Delegate[] CreateGetters(DataViewRow input, Func<int, bool> activeOutput, out Action? disposer)
        {
            disposer = null;
            var getters = new Delegate[OutputCount];
            if (!Enumerable.Range(0, OutputCount).Any(activeOutput))
                return getters;

            var row = new ScoreBuffer(ImageOutput.Scores(_parent._scorer), _parent._network.Target, capacity: 1);
            var image = _images.Open(input, _feature);
            long? scored = null;
            if (activeOutput(ScoreColumns.PredictedLabelIndex))
                getters[ScoreColumns.PredictedLabelIndex] = (ValueGetter<uint>)((ref uint value) =>
                {
                    Score();
                    row.GetPredictedLabel(0, ref value);
                });
            if (activeOutput(ScoreColumns.ScoreIndex))
                getters[ScoreColumns.ScoreIndex] = (ValueGetter<VBuffer<float>>)((ref VBuffer<float> value) =>
                {
                    Score();
                    row.GetValues(0, ref value);
                });
            if (OutputCount > ScoreColumns.ProblemIndex && activeOutput(ScoreColumns.ProblemIndex))
                getters[ScoreColumns.ProblemIndex] = (ValueGetter<ReadOnlyMemory<char>>)((ref ReadOnlyMemory<char> value) =>
                {
                    Score();
                    row.GetProblem(0, ref value);
                });
            return getters;

            void Score()
            {
                if (scored == input.Position)
                    return;
                row.Clear();
                row.Add(image);
                row.Score();
                scored = input.Position;
                if (row.Problems.Count > 0 && Interlocked.Exchange(ref _parent._reportedRow, 1) == 0)
                    row.Report(_parent.Host);
            }
        }

        protected override Delegate MakeGetter(DataViewRow input, int iinfo, Func<int, bool> activeOutput, out Action? disposer)
            => throw Host.ExceptNotSupp($"{nameof(CreateGetters)} makes the getters together, because they share one score.");

        protected override void SaveModel(ModelSaveContext ctx) => _parent.SaveModel(ctx);
    }
}
