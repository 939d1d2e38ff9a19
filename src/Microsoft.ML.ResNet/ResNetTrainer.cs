using Microsoft.ML.ResNet.Data;
using Microsoft.ML.ResNet.Fitting;
using Microsoft.ML.ResNet.Foundation;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Images.Columns;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Network.Torch;
using Microsoft.ML.ResNet.Persistence;
using Microsoft.ML.ResNet.Scoring;
using Microsoft.ML.ResNet.Training;
using Microsoft.ML.Runtime;
using Microsoft.ML.Trainers;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet;

/// <summary>
/// The <see cref="IEstimator{TTransformer}"/> that trains a residual network on images, from scratch or from another model's weights.
/// </summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// To create this trainer, use [ResNet](xref:Microsoft.ML.ResNetCatalog.ResNet*).
///
/// ### Input and output columns
/// The label column must be a [key](xref:Microsoft.ML.Data.KeyDataViewType). The feature column holds images, as one of
///
/// | Column type | Made by | Holds |
/// | -- | -- | -- |
/// | Vector of <xref:System.Byte>, known size | `LoadFromImageFolder`, `ExtractPixels(outputAsFloatArray: false)` | pixels |
/// | Vector of <xref:System.Single>, known size | `ExtractPixels` | pixels, of the range of `PixelRange` |
/// | <xref:Microsoft.ML.Data.ImageDataViewType> | `LoadImages`, `ResizeImages` | images of any size |
/// | Vector of <xref:System.Byte>, variable size | `LoadRawImageBytes` | encoded files |
///
/// Vectors have the dimensions channels x height x width or height x width x channels, or the options say how pixels lie. Images of
/// differing sizes are resized to `ImageHeight` x `ImageWidth`, or to the size of the first. An optional weight column of
/// <xref:System.Single> says what each row counts. Rows without a label, a readable image or a weight above 0 are left out and counted.
///
/// | Output column | Type | |
/// | -- | -- | -- |
/// | `Score` | Vector of <xref:System.Single> | Probabilities that add up to 1; slot names are the class names. NaN without an image. |
/// | `PredictedLabel` | [key](xref:Microsoft.ML.Data.KeyDataViewType) | The likeliest class, a key like the label. Missing without image. |
///
/// ### Trainer characteristics
/// | | |
/// | -- | -- |
/// | Machine learning task | Multiclass classification |
/// | Is normalization required? | No: mean and deviation are measured and kept in the model |
/// | Is caching required? | No: the data is read once |
/// | Required NuGet in addition to Microsoft.ML | Microsoft.ML.ResNet and a TorchSharp backend, such as TorchSharp-cpu |
/// ]]></format>
/// </remarks>
public sealed partial class ResNetTrainer : ITrainerEstimator<ResNetTransformer, ResNetModelParameters>
{
    private readonly IHost _host;
    private readonly Options _options;

    internal ResNetTrainer(IHostEnvironment environment, Options options)
    {
        Contracts.CheckValue(environment, nameof(environment));
        _host = environment.Register(nameof(ResNetTrainer));
        _host.CheckValue(options, nameof(options));
        var problems = options.Snapshot().Problems().ToList();
        if (problems.Count > 0)
            throw _host.ExceptParam(nameof(options), string.Join(" ", problems));
        _options = options.Snapshot();
        _options.Architecture = _options.InitialModel?.Architecture ?? _options.Architecture;
    }

    /// <summary>What the trainer needs of the data: neither normalisation nor caching. It can use a validation set.</summary>
    public TrainerInfo Info { get; } = new(normalization: false, caching: false, supportValid: true);

    /// <summary>
    /// Trains on the data, but for what <see cref="Options.ValidationSetFraction"/> holds out; <see cref="Options.ValidationSet"/> is
    /// there to choose the best epoch by.
    /// </summary>
    /// <param name="input">The training rows; read once.</param>
    /// <returns>The model; dispose it when it is no longer needed.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    /// <exception cref="InvalidOperationException">
    /// No usable rows, fewer than two classes, a checkpoint of another training, training diverged in its first epoch, or there is too
    /// little memory.
    /// </exception>
    /// <exception cref="OperationCanceledException">Training was cancelled; see <see cref="Options.CancellationBehavior"/>.</exception>
    /// <exception cref="IOException">
    /// The images need more memory than <see cref="Options.ImageMemoryBudgetMiB"/> grants, and a temporary file cannot hold them; or, with
    /// <see cref="Options.Resume"/>, a checkpoint cannot be read just now: it stays as it is.
    /// </exception>
    /// <remarks>
    /// A training that diverges after its first epoch ends there, with a warning, and the model is that of the epochs before.
    /// </remarks>
    public ResNetTransformer Fit(IDataView input) => Fit(input, _options.ValidationSet, _options.ValidationSetFraction);

    /// <summary>Trains on the data and keeps the weights of the epoch that does best on other data.</summary>
    /// <param name="input">The training rows; read once.</param>
    /// <param name="validation">
    /// The rows to choose the best epoch by, with the same columns; read once. <see langword="null"/> keeps the last epoch's weights.
    /// </param>
    /// <inheritdoc cref="Fit(IDataView)"/>
    public ResNetTransformer Fit(IDataView input, IDataView? validation) => Fit(input, validation, heldOut: null);

    private ResNetTransformer Fit(IDataView input, IDataView? validation, double? heldOut)
    {
        _host.CheckValue(input, nameof(input));
        using var log = _host.Start("Training");
        var channel = IsFirst ? log : new QuietChannel(log);
        return EndTogether(() => TrainingGuard.ExplainMemory(channel, () => Fit(channel, input, validation, heldOut)));
    }

    private ResNetTransformer Fit(IChannel channel, IDataView input, IDataView? validation, double? heldOut)
    {
        ResNetRuntime.EnsureStarted(); // before the first tensor: libgomp reads its settings when it is loaded
        var numerics = _options.Numerics ?? ResNetRuntime.Options.Numerics;
        var (columns, heldColumns, classes, transfer) = Together(() =>
        {
            var columns = _options.TrainingColumns.Find(_host, input.Schema);
            var classes = ClassKeys.Of(columns.Label);
            var transfer = _options.InitialModel?.Network is { } model ? new Transfer(channel, model, _options.FrozenStages) : null;
            transfer?.CheckStem(columns.Images.Shape ?? InitialShape(columns.Images));
            return (columns, validation is null ? null : ValidationColumns(validation, classes), classes, transfer);
        });
        CheckSameTraining(classes);
        using var checkpoints = Together(() => _options.CheckpointDirectory is { } folder && IsFirst
            ? new CheckpointSession(channel, folder, _options.CheckpointInterval, _options.Resume)
            : null);
        try
        {
            return Learn(channel, input, validation, heldOut, columns, heldColumns, classes, transfer, numerics, checkpoints);
        }
        catch (OperationCanceledException) when (_options.CancellationBehavior == CancellationBehavior.KeepBest && IsCancelled
            && Processes is null)
        {
            if (Finished(channel, columns, classes, transfer, numerics, checkpoints) is { } kept)
                return kept;
            throw;
        }
    }

    private ResNetTransformer Learn(IChannel channel, IDataView input, IDataView? validation, double? heldOut, LabeledImageColumns columns,
        LabeledImageColumns? heldColumns, ClassLabels classes, Transfer? transfer, ResNetNumerics numerics, CheckpointSession? checkpoints)
    {
        var memory = ImageMemory.Of(_options.ImageMemoryBudgetMiB, _options.ImageSpillDirectory);
        var request = new ImageRequest(columns.Images.Shape ?? InitialShape(columns.Images), Geometry(columns.Feature),
            _options.Recipe.Augmentation.KeptFor);
        using var train = Read(channel, input, columns, request, memory, "training");
        if (heldColumns is not null)
            heldColumns.Images.Range ??= columns.Images.Range ?? (columns.Images is FloatVectorColumn ? PixelRange.Bytes : null);
        using var held = validation is null
            ? null
            : Read(channel, validation, heldColumns!, new(train.Shape, request.Geometry), memory.Beside(train.Store), "validation");
        var device = CheckSameDevice(Together(() =>
        {
            CheckClasses(channel, train.RowsPerClass, classes);
            return ResolveDevice(channel);
        }));
        var seed = SeedOfAll(_options.Seed ?? ((IHostEnvironmentInternal)_host).Seed ?? checkpoints?.Seed ?? _host.Rand.Next());
        using var split = heldOut is { } fraction ? HoldOut(channel, train, fraction, seed) : null;
        var initial = transfer?.Find(train.Shape, classes);
        var learnt = split?.Train ?? train;
        learnt = transfer?.Normalize(learnt) ?? learnt;
        checkpoints?.Remember(LearntImages.Of(learnt, columns.Images.Range, request.Geometry));
        var trained = OwnThread.Run("ResNet training", onCaller => Train(channel, learnt,
            split?.Validation ?? held, request.Geometry, classes, network => transfer?.Begin(network, initial!), device, seed, numerics,
            checkpoints, memory, onCaller));
        return Transformer(trained, columns, numerics, initial);
    }

    // The model of the epochs that a checkpoint has finished, where training was cancelled before it could go on from it.
    private ResNetTransformer? Finished(IChannel channel, LabeledImageColumns columns, ClassLabels classes, Transfer? transfer,
        ResNetNumerics numerics, CheckpointSession? checkpoints)
    {
        TrainingRecipe? recipe = null;
        if (checkpoints?.Finished(images => Fingerprint(recipe = Recipe(channel, images.Rows, images.Shape), classes, _options.Seed
            ?? ((IHostEnvironmentInternal)_host).Seed ?? checkpoints.Seed ?? 0)) is not { } finished
            || finished.Images.Geometry != ImageGeometryText.Print(Geometry(columns.Feature))
            || columns.Images.Range is { } range && range != finished.Images.Range()) // another training than the checkpoint's
            return null;
        var trained = TrainingGuard.Finished(channel, finished.State, _options.Architecture, finished.Images, classes, recipe!)
            with
        { Geometry = Geometry(columns.Feature) };
        columns.Images.Range ??= finished.Images.Range();
        return Transformer(trained, columns, numerics, transfer?.Find(trained.Shape, classes));
    }

    private IEnumerable<(string Name, string Value)> Fingerprint(TrainingRecipe recipe, ClassLabels classes, int seed) =>
        [.. CheckpointSession.Fingerprint(_options.Architecture, recipe, classes.Count, seed),
            .. CheckpointSession.Fingerprint(_options.InitialModel?.Network, _options.FrozenStages)];

    private ResNetTransformer Transformer(TrainedResNet trained, LabeledImageColumns columns, ResNetNumerics numerics,
        InitialWeights? initial) => new(_host, trained,
            new ModelColumns(_options.FeatureColumnName, _options.LabelColumnName, _options.ScoreColumnName,
            _options.PredictedLabelColumnName, _options.PixelLayout, _options.ChannelOrder)
            { Range = columns.Images.Range ?? PixelRange.Bytes, ProblemColumn = _options.ProblemColumnName }, numerics)
        { InitialWeights = initial?.Report };

    /// <summary>Tells which columns the model will add, without training.</summary>
    /// <param name="inputSchema">The schema of the training rows.</param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        _host.CheckValue(inputSchema, nameof(inputSchema));
        var label = _options.TrainingColumns.Check(_host, inputSchema);
        var added = new ScoreColumns(_options.PredictedLabelColumnName, _options.ScoreColumnName, _options.ProblemColumnName)
            .Promise(label);
        return new SchemaShape(inputSchema.Where(column => added.All(other => other.Name != column.Name)).Concat(added));
    }

    private Device ResolveDevice(IChannel channel)
    {
        var environment = (IHostEnvironmentInternal)_host;
        var device = ComputeDevices.Resolve(_options.Device, environment.GpuDeviceId, environment.FallbackToCpu,
            Processes?.LocalRank ?? 0);
        if (_options.Device == ComputeDevice.Cuda && device.type == TorchSharp.DeviceType.CPU)
            channel.Warning("No CUDA device was found; training on the CPU, because MLContext.FallbackToCpu is set.");
        return device;
    }

    private TrainedResNet Train(IChannel channel, LabeledImageSet train, LabeledImageSet? validation, ImageGeometry geometry,
        ClassLabels classes, Action<ResidualNetwork> begin, Device device, int seed, ResNetNumerics numerics,
        CheckpointSession? checkpoints, ImageMemory memory, Action<Action> onCaller)
    {
        var recipe = Recipe(channel, train.Store.Count, train.Shape);
        channel.Info(
            $"Training {_options.Architecture.Name} on {device} with seed {seed}: {train.Store.Count} images of {train.Shape}, "
            + $"{classes.Count} classes, {train.Normalization}; {recipe}.");

        using var network = Build(train.Shape.Channels, classes.Count, recipe, seed, device, numerics.ChannelsLast);
        begin(network);
        var trainStore = train.Store.To(device);
        using var trainCopy = trainStore == train.Store ? null : trainStore; // the set disposes its own store
        var validationStore = validation?.Store.To(device);
        using var validationCopy = validationStore == validation?.Store ? null : validationStore;
        // all take part in reading the images for it
        var fingerprint = _options.CheckpointDirectory is null
            ? []
            : Fingerprint(recipe, classes, seed).Concat(CheckpointSession.Fingerprint(train, validation)).ToList();
        var state = StateOfAll(Together(() => checkpoints?.Begin(fingerprint)));
        var targets = IsFirst
            ? new ReportTargets(_options.MetricsCallback, _options.Progress, _options.HistoryFile, _options.TensorBoardDirectory)
            : new ReportTargets(null, null, null, null);
        using var reports = new TrainingReports(_host, channel, targets, state?.History ?? [], onCaller);
        using var loop = new TrainingLoop(network, recipe, train.Normalization, seed, Events(channel, checkpoints, reports),
            new TrainingSettings { Numerics = numerics, Memory = memory, Processes = Processes });
        if (state is not null)
            Together(() => Restored(loop, state, device, checkpoints));
        var weights = new TrainingGuard(channel, recipe, _options.CancellationBehavior, IsCancellationOf)
            .Run(loop, trainStore, validationStore);
        if (Processes is { } processes)
            channel.Info($"Training as {processes} has taken {loop.Traffic} a step.");
        return new TrainedResNet(_options.Architecture, train.Shape, train.Normalization, classes, weights,
            recipe.TestTimeFlip)
        { History = [.. loop.History], KeptEpoch = loop.KeptEpoch, Geometry = geometry };
    }

    private static bool Restored(TrainingLoop loop, TrainingState state, Device device, CheckpointSession? checkpoints)
    {
        if (checkpoints is null)
            loop.Restore(state, device);
        else
            checkpoints.Restore(() => loop.Restore(state, device));
        return true;
    }

    private ResidualNetwork Build(int channels, int classes, TrainingRecipe recipe, int seed, Device device, bool channelsLast)
    {
        var network = new ResidualNetwork(_options.Architecture, channels, classes, channelsLast);
        using (var generator = new Generator((ulong)Seeds.Derive(seed), CPU))
            WeightInitialization.Initialize(network, generator);
        if (recipe.ZeroInitResiduals)
            WeightInitialization.ZeroResiduals(network);
        network.MoveTo(device);
        return network;
    }

    private TrainingRecipe Recipe(IChannel channel, int rows, ImageShape shape)
    {
        var asked = _options.Recipe;
        var recipe = asked.For(rows, shape);
        var steps = BatchOrder.Count(rows, recipe.BatchSize);
        if (recipe.BatchSize != asked.BatchSize)
            channel.Info(FormattableString.Invariant(
                $"{rows} images make {BatchOrder.Count(rows, asked.BatchSize)} steps an epoch in batches of {asked.BatchSize}; batches of ")
                + FormattableString.Invariant($"{recipe.BatchSize} at rate {recipe.LearningRate:g4} make {steps}."));
        var normsLearn = _options.FrozenStages is not { } stages || stages < _options.Architecture.Stages.Count;
        if (normsLearn && recipe.MeasuresStatistics(steps))
            channel.Info($"An epoch has {steps} steps; batch normalisation is measured over the training images after each.");
        else if (normsLearn && TrainingRecipe.MeasuresStatistics(steps, NormStatistics.Auto))
            channel.Warning(
                $"An epoch has {steps} steps, too few for the running statistics of batch normalisation: validation may be far below "
                + "training. Leave NormStatistics at Auto, or take smaller batches.");
        return MLNetSchedule.Bind(recipe, steps);
    }

    private TrainingEvents Events(IChannel channel, CheckpointSession? checkpoints, TrainingReports reports) => new(
        BeforeBatch: CheckAliveTogether,
        AfterStep: copyState => checkpoints?.AfterStep(copyState),
        AfterEpoch: (report, copyState) =>
        {
            var state = new Lazy<TrainingState>(copyState); // copied once, and only for those who ask
            CheckSameWeights(report, state);
            checkpoints?.Write(state.Value);
            reports.EpochEnded(report);
        })
    {
        StepEnded = reports.StepEnded,
        FeaturesComputed = reports.FeaturesComputed,
        Info = message => channel.Info(message),
        Warning = message => channel.Warning(message),
    };

    private bool IsCancelled => _isCancelledElsewhere || _options.CancellationToken.IsCancellationRequested
        || _host is ICancelable { IsCanceled: true };

    private void CheckAlive()
    {
        _options.CancellationToken.ThrowIfCancellationRequested();
        _host.CheckAlive();
    }
}
