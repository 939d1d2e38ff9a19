using Microsoft.ML.ResNet.Data;
using Microsoft.ML.ResNet.Foundation;
using Microsoft.ML.ResNet.Network;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Augmentation;

/// <summary>What an augmentation may know of the batch it changes.</summary>
/// <param name="Seed">The seed of the whole training.</param>
/// <param name="Epoch">The epoch, from 0.</param>
/// <param name="Rows">The rows of the batch, as indices into the training set.</param>
/// <param name="Normalization">Mean and deviation of the channels over the training set.</param>
/// <param name="Random">Where every random choice comes from; fresh for each batch.</param>
internal sealed record AugmentationContext(int Seed, int Epoch, IReadOnlyList<long> Rows, Normalization Normalization, Random Random)
{
    /// <summary>
    /// What is known of the training set's pictures where they are kept whole; <see langword="null"/> where images are as the network takes
    /// them.
    /// </summary>
    public WholePictures? Pictures { get; init; }

    /// <summary>
    /// Which images of the batch are at hand, by their places in <see cref="Rows"/>, in ascending order: with several processes each
    /// changes its own. <see langword="null"/>, the default, is all.
    /// </summary>
    public IReadOnlyList<int>? Own { get; init; }

    /// <summary>Draws something for every image of the batch, in their order, so that the images of others change nothing.</summary>
    /// <param name="images">The images at hand: (n, C, H, W).</param>
    /// <param name="draw">Draws for an image, by its place in the batch.</param>
    /// <returns>What was drawn for the images at hand.</returns>
    public T[] Draw<T>(Tensor images, Func<int, T> draw)
    {
        T[] all = [.. Enumerable.Range(0, Own is null ? (int)images.shape[0] : Rows.Count).Select(draw)];
        return Own is null ? all : [.. Own.Select(place => all[place])];
    }

    /// <summary>A random choice that stays the same for a row in every epoch: 0 or 1.</summary>
    public int CoinOf(int image) => Seeds.Derive(Seed, (int)Rows[image], -1) & 1;

    /// <summary>A factor drawn evenly from 1 - <paramref name="strength"/> to 1 + <paramref name="strength"/>.</summary>
    public float FactorAround1(double strength) => (float)(1 + strength * (2 * Random.NextDouble() - 1));
}
