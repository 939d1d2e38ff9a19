using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Training;

/// <summary>
/// Remembers the weights of the best epoch so far, and when it was worth going on. Without a validation set the last epoch is the best. The
/// weights are a copy, made once an epoch at most: what is in the network may be spoilt by the next step, and a copy takes less time than
/// that step.
/// </summary>
/// <param name="metric">What makes an epoch better than another.</param>
/// <param name="stopping">When to stop; <see langword="null"/> is never.</param>
internal sealed class BestEpoch(ValidationMetric metric, EarlyStopping? stopping)
{
    private Memory _memory = new(null, null, 0);

    /// <summary>What is remembered, but for the weights.</summary>
    /// <param name="Best">How the best epoch did; <see langword="null"/> before the first.</param>
    /// <param name="Milestone">How the last epoch did that improved by more than the minimum change.</param>
    /// <param name="EpochsSinceMilestone">How many epochs came after that.</param>
    /// <param name="Epochs">How many epochs were taken in.</param>
    /// <param name="BestNumber">The best epoch's number; the first is 1, and 0 is none.</param>
    public readonly record struct Memory(Evaluation? Best, Evaluation? Milestone, int EpochsSinceMilestone, int Epochs = 0,
        int BestNumber = 0);

    /// <summary>
    /// The best epoch's weights, which a later epoch may overwrite; <see langword="null"/> before the first.
    /// </summary>
    public IReadOnlyList<NamedTensor>? Weights { get; private set; }

    /// <summary>The best epoch's number, the first being 1; <see langword="null"/> before the first.</summary>
    public int? Epoch => _memory.BestNumber > 0 ? _memory.BestNumber : null;

    /// <summary>Whether the last epochs improved too little to go on.</summary>
    public bool HasRunOutOfPatience => stopping is not null && _memory.EpochsSinceMilestone >= stopping.Patience;

    /// <summary>Takes an epoch in.</summary>
    /// <param name="validated">How it did on the validation set; <see langword="null"/> without one.</param>
    /// <param name="copyWeights">Copies its weights; called only if it is the best.</param>
    public void Add(Evaluation? validated, Func<IReadOnlyList<NamedTensor>> copyWeights)
    {
        if (validated is not { } evaluation)
        {
            Weights = copyWeights();
            return;
        }
        if (double.IsNaN(evaluation.MeanLoss)) // worse than anything
            evaluation = new Evaluation(double.PositiveInfinity, 0);
        _memory = _memory with { Epochs = _memory.Epochs + 1 };
        if (_memory.Best is not { } best || IsBetter(evaluation, best))
        {
            Weights = copyWeights();
            _memory = _memory with { Best = evaluation, BestNumber = _memory.Epochs };
        }
        var isMilestone = _memory.Milestone is not { } milestone || Gain(evaluation, milestone) > (stopping?.MinimumChange ?? 0);
        _memory = isMilestone
            ? _memory with { Milestone = evaluation, EpochsSinceMilestone = 0 }
            : _memory with { EpochsSinceMilestone = _memory.EpochsSinceMilestone + 1 };
    }

    /// <summary>What is remembered, but for the weights.</summary>
    public Memory Remembered => _memory;

    /// <summary>Goes on from what was remembered before.</summary>
    /// <param name="memory">What was remembered.</param>
    /// <param name="weights">The best epoch's weights; empty before the first.</param>
    public void Restore(Memory memory, IReadOnlyList<NamedTensor> weights)
    {
        _memory = memory;
        Weights = weights.Count == 0 ? null : weights;
    }

    private bool IsBetter(Evaluation candidate, Evaluation other)
        => Gain(candidate, other) > 0 || Gain(candidate, other) == 0 && candidate.MeanLoss < other.MeanLoss;

    private double Gain(Evaluation candidate, Evaluation other)
        => metric == ValidationMetric.Accuracy ? candidate.Accuracy - other.Accuracy : other.MeanLoss - candidate.MeanLoss;
}
