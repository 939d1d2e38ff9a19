using Microsoft.ML.ResNet.Data;
using Microsoft.ML.ResNet.Network.Torch;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Training;

/// <summary>
/// What rows count because of their classes, times what they count themselves. Together the rows count what they did: 1 on average.
/// </summary>
internal sealed class ClassWeights : IDisposable
{
    private readonly Tensor _ofClass; // float32, (classes)

    private ClassWeights(Tensor ofClass) => _ofClass = ofClass;

    /// <summary>Makes the weights of <see cref="ClassBalance.Balanced"/>.</summary>
    /// <param name="labels">int64, (N): the class indices of all rows.</param>
    /// <param name="weights">float32, (N): what the rows count themselves; <see langword="null"/> where all count the same.</param>
    public static ClassWeights Balanced(Tensor labels, Tensor? weights)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var rows = labels.bincount(null).to_type(ScalarType.Float64);
        var present = rows.count_nonzero().to_type(ScalarType.Float64);
        var ofClass = where(rows.gt(0), labels.shape[0] / (present * rows), rows); // 0 for classes without rows
        if (weights is not null) // without them the mean is 1 already: each class then counts rows / classes
            ofClass = ofClass / OneThread.Run(() => (ofClass.index_select(0, labels) * weights).mean());
        return new ClassWeights(ofClass.to_type(ScalarType.Float32).DetachFromDisposeScope());
    }

    /// <summary>Weighs a batch.</summary>
    /// <returns>The same rows, of which the caller owns the new weights.</returns>
    public PixelBatch Apply(PixelBatch batch)
    {
        using var scope = NewDisposeScope();
        var weights = _ofClass.index_select(0, batch.Labels);
        if (batch.Weights is not null)
            weights = weights * batch.Weights;
        return batch with { Weights = weights.MoveToOuterDisposeScope() };
    }

    /// <summary>Frees the weights.</summary>
    public void Dispose() => _ofClass.Dispose();
}
