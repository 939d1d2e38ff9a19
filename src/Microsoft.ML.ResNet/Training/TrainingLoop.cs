using System.Diagnostics;
using Microsoft.ML.ResNet.Augmentation;
using Microsoft.ML.ResNet.Data;
using Microsoft.ML.ResNet.Foundation;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Network.Torch;
using Microsoft.ML.ResNet.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Training;

/// <summary>
/// Trains a network:
/// <code>
/// for each epoch
///     for each batch of a fresh permutation
///         take pixels and labels → augment → weigh by class → mix
///         for each piece that fits into memory: normalise → forward → loss → backward
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
    private readonly ParameterUpdate _optimizer;
    private readonly WeightAverage? _average;
    private readonly BestEpoch _best;
    private readonly TrainingEngine _engine;
    private ClassWeights? _classWeights;
    private readonly List<EpochReport> _history = [];
    private RunningMean _running = new();
    private TimeSpan _elapsedBefore;
    private int _epoch;
    private int _step;

    /// <param name="network">The network to train, on the device of the images; it stays the caller's.</param>
    /// <param name="recipe">How to train.</param>
    /// <param name="normalization">Makes pixels the network's input.</param>
    /// <param name="seed">Decides the order of rows and every augmentation.</param>
    /// <param name="events">What happens outside while training goes on.</param>
    /// <param name="cpuKernels">Whether this library's own kernels may be used; see <see cref="ResNetNumerics"/>.</param>
    public TrainingLoop(ResidualNetwork network, TrainingRecipe recipe, Normalization normalization, int seed, TrainingEvents events,
        bool cpuKernels = true)
    {
        _network = network;
        _recipe = recipe;
        _normalization = normalization;
        _seed = seed;
        _events = events;
        network.Precision = recipe.Precision;
        _engine = new TrainingEngine(network, cpuKernels);
        _optimizer = recipe.Optimizer.Start(Parameters(network, recipe));
        _average = recipe.WeightAverageDecay is { } decay ? new WeightAverage(network, decay) : null;
        _best = new BestEpoch(recipe.BestBy, recipe.EarlyStopping);
    }

    /// <summary>The reports of the epochs so far.</summary>
    public IReadOnlyList<EpochReport> History => _history;

    /// <summary>
    /// The weights that the epochs so far have earned: those of the best, or, without a validation set, of the last. <see langword="null"/>
    /// before the first has ended.
    /// </summary>
    public IReadOnlyList<NamedTensor>? Kept => _best.Weights;

    /// <summary>
    /// The number of the epoch whose weights <see cref="Run"/> returns if it ends now; <see langword="null"/> before the end of the first.
    /// </summary>
    public int? KeptEpoch => _best.Epoch ?? (_history.Count > 0 ? _history[^1].Epoch : null);

    /// <summary>Runs the epochs that are left.</summary>
    /// <param name="train">The images to learn from.</param>
    /// <param name="validation">Images to choose the best epoch by, or <see langword="null"/>.</param>
    /// <returns>The weights of the best epoch by <see cref="TrainingRecipe.BestBy"/>, or, without a validation set, of the last.</returns>
    /// <exception cref="DivergenceException">
    /// The loss or a weight is no longer a number. <see cref="Kept"/> is of an epoch before that.
    /// </exception>
    public IReadOnlyList<NamedTensor> Run(PixelStore train, PixelStore? validation)
    {
        var clock = Stopwatch.StartNew();
        using var judgedTrain = train.Framed();
        using var judgedValidation = validation?.Framed();
        _classWeights = _recipe.ClassBalance == ClassBalance.Balanced ? ClassWeights.Balanced(train.Labels, train.Weights) : null;
        while (_epoch < _recipe.NumberOfEpochs && !_best.HasRunOutOfPatience)
        {
            var (began, stepsBefore) = (clock.Elapsed, _step);
            var trained = TrainEpoch(train);
            Divergence.CheckEpoch(trained, _network, _epoch);
            var imagesPerSecond = train.Count * (1 - (double)stepsBefore / Steps(train)) / (clock.Elapsed - began).TotalSeconds;
            var validated = JudgeEpoch(judgedTrain, judgedValidation);
            EndEpoch(trained, validated, LearningRate(train, _epoch, Steps(train) - 1), imagesPerSecond, _elapsedBefore + clock.Elapsed);
        }
        return _best.Weights!; // an epoch has ended, here or in the state that was restored
    }

    /// <summary>Copies all that a training needs to go on from here.</summary>
    public TrainingState Save() => new(_epoch, _step, _optimizer.Steps, _running.Read(), _best.Remembered, [.. _history],
    [
        .. TrainingState.InGroup("weights", StateDictionary.Save(_network)),
        .. TrainingState.InGroup("optimizer", _optimizer.Memory.Select(entry => RawTensors.Save(entry.Key, entry.Value))),
        .. TrainingState.InGroup("average", _average?.Entries.Select(entry => RawTensors.Save(entry.Name, entry.Tensor)) ?? []),
        .. TrainingState.InGroup("best", _best.Weights ?? []),
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
        _running.Restore(state.Running, device);
        _history.AddRange(state.History);
        _elapsedBefore = state.History.Count > 0 ? state.History[^1].Elapsed : TimeSpan.Zero;
    }

    /// <summary>Frees the optimiser and the average; the network stays.</summary>
    public void Dispose()
    {
        _engine.Dispose();
        _optimizer.Dispose();
        _average?.Dispose();
        _classWeights?.Dispose();
        _running.Dispose();
    }

    private Evaluation TrainEpoch(PixelStore train)
    {
        _network.train();
        foreach (var rows in train.ReadAhead(BatchOrder.Shuffled(train.Count, _recipe.BatchSize, _seed, _epoch).Skip(_step)))
        {
            _events.BeforeBatch();
            TrainStep(train, rows);
            Divergence.CheckStep(_running, _epoch);
            _step++;
            NativeGarbage.AfterStep(_optimizer.Steps);
            _events.StepEnded?.Invoke(new TrainingPosition(_epoch + 1, _recipe.NumberOfEpochs, _step, Steps(train)), _running.Read);
            _events.AfterStep(Save);
        }
        return _running.Result();
    }

    private void TrainStep(PixelStore train, ArraySegment<long> rows)
    {
        using var scope = NewDisposeScope();
        var batch = train.Take(rows);
        batch = batch with
        {
            Pixels = _recipe.Augmentation.Apply(batch.Pixels,
            new AugmentationContext(_seed, _epoch, rows, _normalization,
                new Random(Seeds.Derive(_seed, _epoch, _step))) { Pictures = train.Pictures })
        };
        batch = _classWeights?.Apply(batch) ?? batch;
        var mixed = _recipe.Mix?.Apply(batch, new Random(Seeds.Derive(_seed, _epoch, _step, 1))) ?? MixedBatch.Unmixed(batch);

        _optimizer.ZeroGradients();
        foreach (var (first, count) in BatchOrder.Pieces(batch.Count, _recipe.MicroBatchSize ?? batch.Count))
            Accumulate(mixed.Slice(first, count), (double)count / batch.Count);
        if (_recipe.GradientClipNorm is { } maximumNorm)
            _optimizer.ClipGradients(maximumNorm);
        _optimizer.Step(LearningRate(train, _epoch, _step));
        StateDictionary.CountBatch(_network);
        _average?.Update(_optimizer.Steps - 1);
    }

    private void Accumulate(MixedBatch piece, double share)
    {
        using var scope = NewDisposeScope();
        var logits = _engine.Forward(_normalization.Apply(piece.Images.Pixels, _network.ChannelsLast));
        var loss = Loss.Of(logits, piece, _recipe.LabelSmoothing);
        _running.Add(logits, loss, piece.DominantLabels);
        _engine.Backward(share == 1 ? loss : loss * share);
    }

    // With the averaged weights, if there are any: they are what is kept.
    private Evaluation? JudgeEpoch(PixelStore train, PixelStore? validation)
    {
        _average?.Exchange();
        if (_recipe.MeasuresStatistics(Steps(train)))
            PopulationStatistics.Measure(_network, _engine, train, _normalization, _recipe.MicroBatchSize ?? _recipe.BatchSize,
                _events.BeforeBatch);
        var validated = validation is null
            ? (Evaluation?)null
            : Evaluation.Of(_network, validation, _normalization, _events.BeforeBatch, _recipe.TestTimeFlip, _recipe.MicroBatchSize);
        _best.Add(validated, () => StateDictionary.Save(_network));
        _average?.Exchange();
        return validated;
    }

    private void EndEpoch(Evaluation trained, Evaluation? validated, double learningRate, double imagesPerSecond, TimeSpan elapsed)
    {
        _epoch++;
        _step = 0;
        _running.Dispose();
        _running = new RunningMean();
        _history.Add(
            new EpochReport(_epoch, _recipe.NumberOfEpochs, learningRate, trained.MeanLoss, trained.Accuracy, validated?.MeanLoss,
            validated?.Accuracy,
            imagesPerSecond, elapsed, elapsed / _epoch * (_recipe.NumberOfEpochs - _epoch)));
        _events.AfterEpoch(_history[^1], Save);
    }

    private int Steps(PixelStore train) => BatchOrder.Count(train.Count, _recipe.BatchSize);

    private double LearningRate(PixelStore train, int epoch, int step)
        => _recipe.LearningRate * _recipe.Schedule.Factor((epoch + (double)step / Steps(train)) / _recipe.NumberOfEpochs);

    private static List<TrainedParameter> Parameters(ResidualNetwork network, TrainingRecipe recipe)
    {
        // Frozen parameters need no gradient. Biases and the weights of batch normalisation are the vectors among the parameters.
        return [.. StateDictionary.Entries(network).Where(entry => entry.Tensor is Parameter { requires_grad: true })
            .Select(entry => new TrainedParameter(
            entry.Name, (Parameter)entry.Tensor, recipe.WeightDecayOnBiasAndNorm || entry.Tensor.dim() > 1 ? recipe.WeightDecay : 0))];
    }
}
