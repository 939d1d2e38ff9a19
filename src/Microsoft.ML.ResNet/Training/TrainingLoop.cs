using System.Diagnostics;
using Microsoft.ML.ResNet.Augmentation;
using Microsoft.ML.ResNet.Foundation;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Training;

/// <summary>
/// Trains a network:
/// <code>
/// for each epoch
///     for each batch of a fresh permutation
///         take pixels and labels → augment
///         for each piece that fits into memory: normalise → forward → loss → backward
///         clip gradients → step at the scheduled rate → average the weights
///     evaluate on the validation set, if there is one, and keep the best weights
///     report; stop if patience has run out
/// </code>
/// </summary>
internal sealed class TrainingLoop : IDisposable
{
    private readonly ResidualNetwork _network;
    private readonly TrainingRecipe _recipe;
    private readonly Normalization _normalization;
    private readonly int _seed;
    private readonly ParameterUpdate _optimizer;
    private readonly WeightAverage? _average;
    private readonly Action _checkAlive;

    /// <param name="network">The network to train, on the device of the images; it stays the caller's.</param>
    /// <param name="recipe">How to train.</param>
    /// <param name="normalization">Makes pixels the network's input.</param>
    /// <param name="seed">Decides the order of rows and every augmentation.</param>
    /// <param name="checkAlive">Called before every batch; it throws to stop.</param>
    public TrainingLoop(ResidualNetwork network, TrainingRecipe recipe, Normalization normalization, int seed, Action checkAlive)
    {
        _network = network;
        _recipe = recipe;
        _normalization = normalization;
        _seed = seed;
        _checkAlive = checkAlive;
        _optimizer = recipe.Optimizer.Start(Parameters(network, recipe));
        _average = recipe.WeightAverageDecay is { } decay ? new WeightAverage(network, decay) : null;
    }

    /// <summary>Runs the epochs.</summary>
    /// <param name="train">The images to learn from.</param>
    /// <param name="validation">Images to choose the best epoch by, or <see langword="null"/>.</param>
    /// <param name="onEpoch">Receives a report after every epoch.</param>
    /// <returns>The weights of the best epoch by <see cref="TrainingRecipe.BestBy"/>, or, without a validation set, of the last.</returns>
    public IReadOnlyList<NamedTensor> Run(PixelStore train, PixelStore? validation, Action<EpochReport> onEpoch)
    {
        var clock = Stopwatch.StartNew();
        var best = new BestEpoch(_recipe.BestBy, _recipe.EarlyStopping);
        for (var epoch = 0; epoch < _recipe.NumberOfEpochs && !best.HasRunOutOfPatience; epoch++)
        {
            var began = clock.Elapsed;
            var trained = TrainEpoch(train, epoch);
            var imagesPerSecond = train.Count / (clock.Elapsed - began).TotalSeconds;
            _average?.Exchange();
            Evaluation? validated = validation is null ? null : Evaluation.Of(_network, validation, _normalization, _checkAlive);
            if (validated is { } result)
                best.Add(result, () => StateDictionary.Save(_network));
            _average?.Exchange();

            onEpoch(new EpochReport(epoch + 1, _recipe.NumberOfEpochs, LastRate(train.Count, epoch), trained.MeanLoss, trained.Accuracy,
                validated?.MeanLoss, validated?.Accuracy, imagesPerSecond, clock.Elapsed, clock.Elapsed / (epoch + 1) * (_recipe.NumberOfEpochs - epoch - 1)));
        }
        _average?.Exchange();
        return best.Weights ?? StateDictionary.Save(_network);
    }

    /// <summary>Frees the optimiser and the average; the network stays.</summary>
    public void Dispose()
    {
        _optimizer.Dispose();
        _average?.Dispose();
    }

    private Evaluation TrainEpoch(PixelStore train, int epoch)
    {
        using var total = new RunningMean();
        _network.train();
        var step = 0;
        foreach (var rows in BatchOrder.Shuffled(train.Count, _recipe.BatchSize, _seed, epoch))
        {
            _checkAlive();
            TrainStep(train, rows, epoch, step, total);
            step++;
        }
        StateDictionary.CountBatches(_network, step);
        return total.Result();
    }

    private void TrainStep(PixelStore train, ArraySegment<long> rows, int epoch, int step, RunningMean total)
    {
        using var scope = NewDisposeScope();
        var batch = train.Take(rows);
        batch = batch with { Pixels = _recipe.Augmentation.Apply(batch.Pixels, new AugmentationContext(_seed, epoch, rows, _normalization, new Random(Seeds.Derive(_seed, epoch, step)))) };

        _optimizer.ZeroGradients();
        foreach (var (first, count) in BatchOrder.Pieces(batch.Count, _recipe.MicroBatchSize ?? batch.Count))
            Accumulate(batch.Slice(first, count), (double)count / batch.Count, total);
        if (_recipe.GradientClipNorm is { } maximumNorm)
            _optimizer.ClipGradients(maximumNorm);
        _optimizer.Step(Rate(train.Count, epoch, step));
        _average?.Update(_optimizer.Steps - 1);
    }

    private void Accumulate(PixelBatch piece, double share, RunningMean total)
    {
        using var scope = NewDisposeScope();
        var logits = _network.forward(_normalization.Apply(piece.Pixels));
        var loss = Loss.Of(logits, piece, _recipe.LabelSmoothing);
        total.Add(logits, loss, piece.Labels);
        (share == 1 ? loss : loss * share).backward();
    }

    private static List<TrainedParameter> Parameters(ResidualNetwork network, TrainingRecipe recipe)
    {
        // Biases and the weights of batch normalisation are the vectors among the parameters.
        return [.. StateDictionary.Entries(network).Where(entry => entry.Tensor is Parameter).Select(entry => new TrainedParameter(
            entry.Name, (Parameter)entry.Tensor, recipe.DecaysBiasAndNorm || entry.Tensor.dim() > 1 ? recipe.WeightDecay : 0))];
    }

    private double Rate(int rows, int epoch, int step)
    {
        var steps = BatchOrder.Count(rows, _recipe.BatchSize);
        return _recipe.LearningRate * _recipe.Schedule.Factor((epoch + (double)step / steps) / _recipe.NumberOfEpochs);
    }

    private double LastRate(int rows, int epoch) => Rate(rows, epoch, BatchOrder.Count(rows, _recipe.BatchSize) - 1);
}
