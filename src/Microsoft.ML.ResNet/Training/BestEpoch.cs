using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Training;

/// <summary>Remembers the weights of the best epoch so far, and when it was worth going on.</summary>
/// <param name="metric">What makes an epoch better than another.</param>
/// <param name="stopping">When to stop; <see langword="null"/> is never.</param>
internal sealed class BestEpoch(ValidationMetric metric, EarlyStopping? stopping)
{
    private Evaluation? _best;
    private Evaluation? _milestone; // the last epoch that improved by more than the minimum change
    private int _epochsSinceMilestone;

    /// <summary>The best epoch's weights; <see langword="null"/> before the first.</summary>
    public IReadOnlyList<NamedTensor>? Weights { get; private set; }

    /// <summary>Whether the last epochs improved too little to go on.</summary>
    public bool HasRunOutOfPatience => stopping is not null && _epochsSinceMilestone >= stopping.Patience;

    /// <summary>Takes an epoch in.</summary>
    /// <param name="evaluation">How it did on the validation set.</param>
    /// <param name="copyWeights">Copies its weights; called only if it is the best.</param>
    public void Add(Evaluation evaluation, Func<IReadOnlyList<NamedTensor>> copyWeights)
    {
        if (_best is not { } best || IsBetter(evaluation, best))
            (_best, Weights) = (evaluation, copyWeights());
        if (_milestone is not { } milestone || Gain(evaluation, milestone) > (stopping?.MinimumChange ?? 0))
            (_milestone, _epochsSinceMilestone) = (evaluation, 0);
        else
            _epochsSinceMilestone++;
    }

    private bool IsBetter(Evaluation candidate, Evaluation other)
        => Gain(candidate, other) > 0 || Gain(candidate, other) == 0 && candidate.MeanLoss < other.MeanLoss;

    private double Gain(Evaluation candidate, Evaluation other)
        => metric == ValidationMetric.Accuracy ? candidate.Accuracy - other.Accuracy : other.MeanLoss - candidate.MeanLoss;
}
