using Microsoft.ML.ResNet.Data;
using Microsoft.ML.ResNet.Network;
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
    /// <param name="network">The network, on the device of <paramref name="images"/>.</param>
    /// <param name="images">At least one row.</param>
    /// <param name="normalization">Makes pixels the network's input.</param>
    /// <param name="checkAlive">Called before every batch; it throws to stop.</param>
    /// <param name="flips">Whether the network looks at the mirror images too.</param>
    /// <param name="microBatchSize">Images that fit into memory at a time; <see langword="null"/> where nobody has set a limit.</param>
    public static Evaluation Of(ResidualNetwork network, PixelStore images, Normalization normalization, Action checkAlive,
        bool flips = false, int? microBatchSize = null)
    {
        var batchSize = Math.Min(LargestBatch, microBatchSize ?? LargestBatch);
        using var inference = inference_mode();
        using var total = new RunningMean();
        network.eval();
        for (var first = 0; first < images.Count; first += batchSize)
        {
            checkAlive();
            using var scope = NewDisposeScope();
            var batch = images.Slice(first, Math.Min(batchSize, images.Count - first));
            var logits = MirroredView.Logits(network, normalization.Apply(batch.Pixels, network.ChannelsLast), flips);
            total.Add(logits, Loss.Of(logits, batch), batch.Labels);
        }
        return total.Result();
    }
}
