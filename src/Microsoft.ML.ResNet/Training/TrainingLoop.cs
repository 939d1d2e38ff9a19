using System.Diagnostics;
using Microsoft.ML.ResNet.Augmentation;
using Microsoft.ML.ResNet.Cpu.Training;
using Microsoft.ML.ResNet.Data;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Network.Torch;
using Microsoft.ML.ResNet.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Training;

/// <summary>
/// Trains a network:
/// <code>
/// compute what frozen layers make of the images, where that stays the same
/// for each epoch
///     for each batch of a fresh permutation
///         take pixels and labels → augment → weigh by class → mix
///         for each piece that fits into memory: normalise → frozen layers → forward → loss → backward
///         clip gradients → step at the scheduled rate → average the weights
///     where an epoch has few steps: measure the statistics of batch normalisation
///     evaluate on the validation set, if there is one, and keep the best weights, else the last
///     report; stop if patience has run out
/// </code>
/// </summary>
internal sealed class TrainingLoop : IDisposable
{
    private readonly ResidualNetwork _network;
    private readonly TrainingRecipe _recipe;
    private readonly Normalization _normalization;
    private readonly int _seed;
    private readonly TrainingEvents _events;
    private readonly TrainingSettings _settings;
    private readonly ShardGroup _shards;
    private readonly ParameterUpdate _optimizer;
    private readonly JoinedTensors? _batchCounts; // num_batches_tracked of what is not frozen
    private readonly WeightAverage? _average;
    private readonly BestEpoch _best;
    private readonly WeightCopy _kept; // where the best epoch's weights lie
    private readonly List<EpochReport> _history = [];
    private RunningMean _running = new();
    private TimeSpan _elapsedBefore;
    private ProcessTraffic _traffic;
    private long _steps; // of this run
    private int _epoch;
    private int _step;

    /// <param name="network">The network to train, on the device of the images; it stays the caller's.</param>
    /// <param name="recipe">How to train.</param>
    /// <param name="normalization">Makes pixels the network's input.</param>
    /// <param name="seed">Decides the order of rows and every augmentation.</param>
    /// <param name="events">What happens outside while training goes on.</param>
    /// <param name="settings">How it is computed; <see langword="null"/> takes the defaults.</param>
    public TrainingLoop(ResidualNetwork network, TrainingRecipe recipe, Normalization normalization, int seed, TrainingEvents events,
        TrainingSettings? settings = null)
    {
        _network = network;
        _recipe = recipe;
        _normalization = normalization;
        _seed = seed;
        _events = events;
        _settings = settings ?? new TrainingSettings();
        _shards = new ShardGroup(recipe.BatchShards, _settings.Processes);
        network.Precision = recipe.Precision;
        _optimizer = recipe.Optimizer.Start(Parameters(network, recipe), join: network.Head.weight.device_type != DeviceType.CPU);
        _batchCounts = BatchCounts(network);
        _average = recipe.WeightAverageDecay is { } decay ? new WeightAverage(network, decay) : null;
        _best = new BestEpoch(recipe.BestBy, recipe.EarlyStopping);
        _kept = new WeightCopy(network);
    }

    /// <summary>The reports of the epochs so far.</summary>
    public IReadOnlyList<EpochReport> History => _history;

    /// <summary>
    /// The weights that the epochs so far have earned: those of the best, or, without a validation set, of the last. <see langword="null"/>
    /// before the first has ended. An epoch that goes on overwrites them.
    /// </summary>
    public IReadOnlyList<NamedTensor>? Kept => _best.Weights;

    /// <summary>
    /// The number of the epoch whose weights <see cref="Run"/> returns if it ends now; <see langword="null"/> before the end of the first.
    /// </summary>
    public int? KeptEpoch => _best.Epoch ?? (_history.Count > 0 ? _history[^1].Epoch : null);

    /// <summary>What a step has exchanged with other processes, on average over the steps so far; empty where there were none.</summary>
    public string Traffic => _steps == 0 ? "" : _traffic.PerStep(_steps);

    /// <summary>Runs the epochs that are left.</summary>
    /// <param name="train">The images to learn from.</param>
    /// <param name="validation">Images to choose the best epoch by, or <see langword="null"/>.</param>
    /// <returns>The weights of the best epoch by <see cref="TrainingRecipe.BestBy"/>, or, without a validation set, of the last.</returns>
    /// <exception cref="DivergenceException">
    /// The loss or a weight is no longer a number. <see cref="Kept"/> is of an epoch before that.
    /// </exception>
    public IReadOnlyList<NamedTensor> Run(PixelStore train, PixelStore? validation)
    {
        if (!IsOver)
            RunEpochs(train, validation);
        return _best.Weights!; // an epoch has ended, here or in the state that was restored
    }

    /// <summary>Copies all that a training needs to go on from here.</summary>
    public TrainingState Save() => new(_epoch, _step, _optimizer.Steps, _running.Read(), _best.Remembered, [.. _history],
    [
        .. TrainingState.InGroup("weights", StateDictionary.Save(_network)),
        .. TrainingState.InGroup("optimizer", _optimizer.Save()),
        .. TrainingState.InGroup("average", _average?.Entries.Select(entry => RawTensors.Save(entry.Name, entry.Tensor)) ?? []),
        .. TrainingState.InGroup("best", (_best.Weights ?? []).Select(tensor => tensor with { Data = tensor.Data.ToArray() })),
    ]);

    /// <summary>Goes on from a state of the same training.</summary>
    /// <param name="state">The state.</param>
    /// <param name="device">Where the network is.</param>
    public void Restore(TrainingState state, Device device)
    {
        (_epoch, _step) = (state.Epoch, state.Step);
        StateDictionary.Load(_network, state.Group("weights"));
        _optimizer.Restore(state.OptimizerSteps, state.Group("optimizer"));
        _average?.Restore(state.Group("average"));
        _best.Restore(state.Best, state.Group("best"));
        _running.Add(state.Running, device);
        _history.AddRange(state.History);
        _elapsedBefore = state.History.Count > 0 ? state.History[^1].Elapsed : TimeSpan.Zero;
    }

    /// <summary>Frees the optimiser and the average; the network stays.</summary>
    public void Dispose()
    {
        _optimizer.Dispose();
        _batchCounts?.Dispose();
        _average?.Dispose();
        _running.Dispose();
    }

    private bool IsOver => _epoch >= _recipe.NumberOfEpochs || _best.HasRunOutOfPatience;

    private void RunEpochs(PixelStore train, PixelStore? validation)
    {
        var clock = Stopwatch.StartNew();
        using var inputs = new TrainingInputs(_network, _recipe, _normalization, _seed, train, validation, _events, _settings, _shards);
        using var engine = new TrainingEngine(_network, train.ImageShape, _settings.Numerics.CpuKernelsForTraining, _shards,
            _recipe.MicroBatchSize ?? _recipe.BatchSize);
        if (inputs.Scale is not null && _optimizer.Steps == 0)
            ForgetHead();
        var (prepared, before, steps) = (clock.Elapsed, _epoch, BatchOrder.Count(train.Count, _recipe.BatchSize));
        while (!IsOver)
        {
            var (began, stepsBefore) = (clock.Elapsed, _step);
            var trained = TrainEpoch(inputs, engine, steps);
            Divergence.CheckEpoch(trained, _network, _epoch);
            var imagesPerSecond = train.Count * (1 - (double)stepsBefore / steps) / (clock.Elapsed - began).TotalSeconds;
            var validated = JudgeEpoch(inputs, engine, steps);
            var perEpoch = (clock.Elapsed - prepared) / (_epoch + 1 - before);
            EndEpoch(new EpochReport(_epoch + 1, _recipe.NumberOfEpochs, LearningRate(_epoch, steps - 1, steps), trained.MeanLoss,
                trained.Accuracy, validated?.MeanLoss, validated?.Accuracy, imagesPerSecond, _elapsedBefore + clock.Elapsed,
                perEpoch * (_recipe.NumberOfEpochs - _epoch - 1)));
        }
    }

    private Evaluation TrainEpoch(TrainingInputs inputs, TrainingEngine engine, int steps)
    {
        _network.train();
        foreach (var rows in inputs.Batches(_epoch, _step))
        {
            _events.BeforeBatch();
            var before = _settings.Processes?.Traffic ?? default;
            TrainStep(inputs, engine, rows, LearningRate(_epoch, _step, steps));
            _traffic = _traffic.Plus((_settings.Processes?.Traffic ?? default).Since(before));
            _steps++;
            Divergence.CheckStep(_running, _epoch);
            _step++;
            NativeGarbage.AfterStep(_optimizer.Steps);
            _events.StepEnded?.Invoke(new TrainingPosition(_epoch + 1, _recipe.NumberOfEpochs, _step, steps), _running.Read);
            _events.AfterStep(Save);
        }
        return _running.Result();
    }

    private void TrainStep(TrainingInputs inputs, TrainingEngine engine, ArraySegment<long> rows, double learningRate)
    {
        using var scope = NewDisposeScope();
        var batch = inputs.Take(rows, _epoch, _step);
        _optimizer.ZeroGradients();
        foreach (var piece in inputs.PiecesOf(rows.Count))
            Accumulate(inputs, engine, batch.Slice(piece), (double)piece.Count / rows.Count);
        engine.CompleteGradients();
        if (_recipe.GradientClipNorm is { } maximumNorm)
            _optimizer.ClipGradients(maximumNorm);
        _optimizer.Step(learningRate, engine.Team);
        _batchCounts?.All.add_(1);
        _average?.Update(_optimizer.Steps - 1);
    }

    private void Accumulate(TrainingInputs inputs, TrainingEngine engine, MixedBatch piece, double share)
    {
        using var scope = NewDisposeScope();
        var logits = engine.Forward(inputs.Of(piece.Images.Pixels), piece.Images.Count);
        var loss = Loss.Of(logits, piece, _recipe.LabelSmoothing);
        _running.Add(logits, loss, piece.DominantLabels);
        engine.Backward(share == 1 ? loss : loss * share);
    }

    // With the averaged weights, if there are any: they are what is kept.
    private Evaluation? JudgeEpoch(TrainingInputs inputs, TrainingEngine engine, int steps)
    {
        _average?.Exchange();
        if (_recipe.MeasuresStatistics(steps))
            PopulationStatistics.Measure(_network, engine, inputs.Plain, _recipe.MicroBatchSize ?? _recipe.BatchSize, _events.BeforeBatch,
                _shards);
        var validated = inputs.Validation.Count == 0
            ? (Evaluation?)null
            : Evaluation.Of(_network, inputs.Validation, _events.BeforeBatch, _recipe.MicroBatchSize, _settings.Processes);
        _best.Add(validated, () => inputs.Scale is { } scale ? scale.Unstandardized(_network.Head, _kept.Take) : _kept.Take());
        _average?.Exchange();
        return validated;
    }

    private void EndEpoch(EpochReport report)
    {
        _epoch++;
        _step = 0;
        _running.Dispose();
        _running = new RunningMean();
        _history.Add(report);
        _events.AfterEpoch(report, Save);
    }

    private double LearningRate(int epoch, int step, int steps)
        => _recipe.LearningRate * _recipe.Schedule.Factor((epoch + (double)step / steps) / _recipe.NumberOfEpochs);

    // What it knew was of features of another scale, and of what is convex the start decides nothing but the time.
    private void ForgetHead()
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        for (var weights = 0; weights < 2; weights++) // those and their average
        {
            _network.Head.weight.zero_();
            _network.Head.bias.zero_();
            _average?.Exchange();
        }
    }

    // PyTorch counts batches beside the running statistics of batch normalisation.
    private static JoinedTensors? BatchCounts(ResidualNetwork network)
    {
        var counts = StateDictionary.Learning(network).Select(entry => entry.Tensor).Where(tensor => !tensor.is_floating_point()).ToList();
        return counts.Count == 0 ? null : new JoinedTensors(counts);
    }

    private static List<TrainedParameter> Parameters(ResidualNetwork network, TrainingRecipe recipe)
    {
        // Frozen parameters need no gradient. Biases and the weights of batch normalisation are the vectors among the parameters.
        return [.. StateDictionary.Entries(network).Where(entry => entry.Tensor is Parameter { requires_grad: true })
            .Select(entry => new TrainedParameter(
            entry.Name, (Parameter)entry.Tensor, recipe.WeightDecayOnBiasAndNorm || entry.Tensor.dim() > 1 ? recipe.WeightDecay : 0))];
    }
}
