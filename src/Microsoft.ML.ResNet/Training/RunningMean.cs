using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Training;

/// <summary>Loss and accuracy over many batches. The sums stay on the device until they are asked for, so that no step waits for them.</summary>
internal sealed class RunningMean : IDisposable
{
    private Tensor? _sums; // float64, (2): summed loss, right answers
    private long _rows;

    /// <summary>Adds a batch.</summary>
    /// <param name="logits">float32, (N, classes).</param>
    /// <param name="meanLoss">A scalar: the mean over the batch.</param>
    /// <param name="labels">int64, (N).</param>
    public void Add(Tensor logits, Tensor meanLoss, Tensor labels)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var rows = labels.shape[0];
        var right = logits.argmax(1).eq(labels).sum();
        var sums = stack([meanLoss.detach().to_type(ScalarType.Float64) * rows, right.to_type(ScalarType.Float64)]);
        if (_sums is null)
            _sums = sums.DetachFromDisposeScope();
        else
            _sums.add_(sums);
        _rows += rows;
    }

    /// <summary>The means over all rows so far; at least one.</summary>
    public Evaluation Result()
    {
        using var sums = _sums!.cpu();
        var values = sums.data<double>();
        return new Evaluation(values[0] / _rows, values[1] / _rows);
    }

    /// <summary>Frees the sums.</summary>
    public void Dispose() => _sums?.Dispose();
}
