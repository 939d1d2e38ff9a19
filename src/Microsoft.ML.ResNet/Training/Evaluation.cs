using Microsoft.ML.ResNet.Network.Torch;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Training;

/// <summary>How well a network does on a set: sums over all rows, so that the last, smaller batch counts as it should.</summary>
/// <param name="MeanLoss">Mean cross-entropy, in nats.</param>
/// <param name="Accuracy">The part that is classified right, from 0 to 1.</param>
internal readonly record struct Evaluation(double MeanLoss, double Accuracy)
{
    private const int LargestBatch = 256;

    /// <summary>Scores every row, in evaluation mode; leaves the network in that mode.</summary>
    /// <param name="network">The network, on the device of the images.</param>
    /// <param name="views">
    /// At least one row, once for each look at the images: the logits are averaged before softmax (Krizhevsky et al. 2012, section 4.1).
    /// </param>
    /// <param name="checkAlive">Called before every batch; it throws to stop.</param>
    /// <param name="microBatchSize">Images that fit into memory at a time; <see langword="null"/> where nobody has set a limit.</param>
    public static Evaluation Of(ResidualNetwork network, IReadOnlyList<LayerInput> views, Action checkAlive, int? microBatchSize = null)
    {
        var batchSize = Math.Min(LargestBatch, microBatchSize ?? LargestBatch);
        using var inference = inference_mode();
        using var total = new RunningMean();
        network.eval();
        var rows = views[0].Rows;
        for (var first = 0; first < rows.Count; first += batchSize)
        {
            checkAlive();
            using var scope = NewDisposeScope();
            var batch = rows.Slice(first, Math.Min(batchSize, rows.Count - first));
            var logits = Logits(network, views[0], batch.Pixels);
            foreach (var view in views.Skip(1))
                logits = logits + Logits(network, view, view.Rows.PixelsOf(first, batch.Count));
            if (views.Count > 1)
                logits = logits / views.Count;
            total.Add(logits, Loss.Of(logits, batch), batch.Labels);
        }
        return total.Result();
    }

    private static Tensor Logits(ResidualNetwork network, LayerInput view, Tensor rows) => network.PassTrained(view.Of(rows));
}
