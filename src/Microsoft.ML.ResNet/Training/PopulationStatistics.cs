using Microsoft.ML.ResNet.Cpu.Training;
using Microsoft.ML.ResNet.Data;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Network.Torch;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Training;

/// <summary>
/// Measures the means and variances of batch normalisation over all training images, with the weights as they are now, and puts them in
/// the place of the running ones (Wu, Johnson 2021, arXiv:2105.07576, section 3). Images come in the order of the store, without
/// augmentation, so that the result depends on nothing but the images and the weights.
/// </summary>
internal static class PopulationStatistics
{
    /// <summary>Measures every batch normalisation that is not frozen.</summary>
    /// <param name="network">The network; it is left in training mode, and nothing but its running statistics changes.</param>
    /// <param name="engine">Computes the pass forward.</param>
    /// <param name="images">The training images.</param>
    /// <param name="batchSize">Images that go through the network at a time; at least 2.</param>
    /// <param name="checkAlive">Called before every batch; it throws to stop.</param>
    /// <param name="shards">
    /// Who computes which part of a batch; <see langword="null"/>, the default, is one process, which computes all.
    /// </param>
    public static void Measure(ResidualNetwork network, TrainingEngine engine, LayerInput images, int batchSize, Action checkAlive,
        ShardGroup? shards = null)
    {
        network.train();
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var moments = network.BatchNorms.Where(norm => norm.training).Select(norm => new Moments(norm)).ToList();
        if (moments.Count == 0)
            return;
        foreach (var (first, count) in BatchOrder.Pieces(images.Rows.Count, batchSize))
        {
            checkAlive();
            using var batchScope = NewDisposeScope();
            moments.ForEach(moment => moment.Begin());
            engine.Forward(images.Of(PixelsOf(images, first, count, shards)), count);
            moments.ForEach(moment => moment.Add(count));
        }
        moments.ForEach(moment => moment.End());
    }

    private static Tensor PixelsOf(LayerInput images, int first, int count, ShardGroup? shards)
        => shards is null or { Size: 1 }
            ? images.Rows.PixelsOf(first, count)
            : images.Rows.PixelsOf(RowShares.InTurn(first,
                Enumerable.Range(0, shards.Size).Select(rank => shards.ImagesOf(count, rank).Count), shards.Rank));

    /// <summary>
    /// Mean and variance of one layer's channels so far. The layer itself gives those of a batch: its running statistics are set to 0, and
    /// then hold the batch's times the momentum. Batches are merged as Chan et al. 1979 do, in 64 bits.
    /// </summary>
    private sealed class Moments(BatchNorm norm)
    {
        private readonly Tensor _mean = zeros_like(norm.running_mean, ScalarType.Float64);
        private readonly Tensor _squares = zeros_like(norm.running_var, ScalarType.Float64); // variance times images
        private double _images;

        public void Begin()
        {
            norm.running_mean.zero_();
            norm.running_var.zero_();
        }

        public void Add(int images)
        {
            var difference = norm.running_mean.to_type(ScalarType.Float64) / BatchNormalization.Momentum - _mean;
            var variance = norm.running_var.to_type(ScalarType.Float64) / BatchNormalization.Momentum;
            var all = _images + images;
            _mean.add_(difference * (images / all));
            _squares.add_(variance * images + difference.square() * (_images * images / all));
            _images = all;
        }

        public void End()
        {
            norm.running_mean.copy_(_mean);
            norm.running_var.copy_(_squares / _images);
        }
    }
}
