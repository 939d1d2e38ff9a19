using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Training;

/// <summary>
/// Loss and accuracy over many batches. The sums stay on the device until they are asked for, so that no step waits for them.
/// </summary>
internal sealed class RunningMean : IDisposable
{
    private Tensor? _sums; // float64, (2): summed loss, right answers
    private long _rows;

    /// <summary>The sums so far.</summary>
    /// <param name="Loss">Summed cross-entropy, in nats.</param>
    /// <param name="Right">Rows that were classified right.</param>
    /// <param name="Rows">All rows.</param>
    public readonly record struct Sums(double Loss, double Right, long Rows);

    /// <summary>Whether the sums can be read without waiting for a device.</summary>
    public bool IsAtHand => _sums is { device_type: TorchSharp.DeviceType.CPU };

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
        Add(stack([meanLoss.detach().to_type(ScalarType.Float64) * rows, right.to_type(ScalarType.Float64)]), rows);
    }

    /// <summary>Adds what was summed elsewhere, or before.</summary>
    /// <param name="sums">The sums.</param>
    /// <param name="device">Where the batches to come are.</param>
    public void Add(Sums sums, Device device)
    {
        using var scope = NewDisposeScope();
        if (sums.Rows > 0)
            Add(tensor(new[] { sums.Loss, sums.Right }, device: device), sums.Rows);
    }

    /// <summary>Reads the sums; on a GPU this waits for the steps so far.</summary>
    public Sums Read()
    {
        if (_sums is null)
            return default;
        using var sums = _sums.cpu();
        var values = sums.data<double>();
        return new Sums(values[0], values[1], _rows);
    }

    /// <summary>The means over all rows so far; at least one.</summary>
    public Evaluation Result()
    {
        var sums = Read();
        return new Evaluation(sums.Loss / sums.Rows, sums.Right / sums.Rows);
    }

    /// <summary>Frees the sums.</summary>
    public void Dispose() => _sums?.Dispose();

    private void Add(Tensor sums, long rows)
    {
        if (_sums is null)
            _sums = sums.DetachFromDisposeScope();
        else
            _sums.add_(sums);
        _rows += rows;
    }
}
