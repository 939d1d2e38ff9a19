using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.ML.ResNet.Data;
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
    /// <param name="processes">
    /// Processes that score batches in turn; all have the result of one, to the last bit. <see langword="null"/>, the default, is one.
    /// </param>
    public static Evaluation Of(ResidualNetwork network, IReadOnlyList<LayerInput> views, Action checkAlive, int? microBatchSize = null,
        ProcessGroup? processes = null)
    {
        var batchSize = Math.Min(LargestBatch, microBatchSize ?? LargestBatch);
        using var inference = inference_mode();
        using var total = new RunningMean();
        network.eval();
        var rows = views[0].Rows;
        var step = processes is null ? batchSize : checked(batchSize * processes.Size);
        for (var first = 0; first < rows.Count; first += step)
        {
            checkAlive();
            using var scope = NewDisposeScope();
            var count = Math.Min(step, rows.Count - first);
            if (processes is null)
                Add(total, network, views, rows.Slice(first, count),
                    views.Skip(1).Select(view => view.Rows.PixelsOf(first, count)));
            else
                foreach (var sums in InTurn(network, views, first, count, batchSize, processes))
                    total.Add(sums, rows.Labels.device);
        }
        return total.Result();
    }

    // One batch in each process, as far as there are rows; what all of them sum comes to everybody in the order of the batches.
    private static RunningMean.Sums[] InTurn(ResidualNetwork network, IReadOnlyList<LayerInput> views, int first, int count, int batchSize,
        ProcessGroup processes)
    {
        var shares = RowShares.InTurn(first, Enumerable.Range(0, processes.Size)
            .Select(rank => Math.Clamp(count - rank * batchSize, 0, batchSize)), processes.Rank);
        using var own = new RunningMean();
        var batch = views[0].Rows.Take(shares);
        var (place, size) = (processes.Rank * batchSize, shares.Own.Length);
        List<Tensor> others = [.. views.Skip(1).Select(view => view.Rows.PixelsOf(shares))]; // asked for by everybody
        if (size > 0)
            Add(own, network, views,
                new PixelBatch(batch.Pixels, batch.Labels.narrow(0, place, size), batch.Weights?.narrow(0, place, size)),
                others);
        var sums = new RunningMean.Sums[processes.Size];
        var lengths = new int[processes.Size];
        Array.Fill(lengths, Unsafe.SizeOf<RunningMean.Sums>());
        RunningMean.Sums[] mine = [own.Read()];
        processes.AllGather(MemoryMarshal.AsBytes(mine.AsSpan()), MemoryMarshal.AsBytes(sums.AsSpan()), lengths);
        return sums;
    }

    private static void Add(RunningMean total, ResidualNetwork network, IReadOnlyList<LayerInput> views, PixelBatch batch,
        IEnumerable<Tensor> pixelsOfOthers)
    {
        var logits = Logits(network, views[0], batch.Pixels);
        foreach (var (view, pixels) in views.Skip(1).Zip(pixelsOfOthers))
            logits = logits + Logits(network, view, pixels);
        if (views.Count > 1)
            logits = logits / views.Count;
        total.Add(logits, Loss.Of(logits, batch), batch.Labels);
    }

    private static Tensor Logits(ResidualNetwork network, LayerInput view, Tensor rows) => network.IsFrozenToTheHead
        ? OneThread.Run(() => network.Classify(view.Of(rows)))
        : network.PassTrained(view.Of(rows));
}
