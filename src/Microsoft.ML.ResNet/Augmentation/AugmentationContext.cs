using Microsoft.ML.ResNet.Data;
using Microsoft.ML.ResNet.Foundation;
using Microsoft.ML.ResNet.Network;

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

    /// <summary>A random choice that stays the same for a row in every epoch: 0 or 1.</summary>
    public int CoinOf(int image) => Seeds.Derive(Seed, (int)Rows[image], -1) & 1;

    /// <summary>A factor drawn evenly from 1 - <paramref name="strength"/> to 1 + <paramref name="strength"/>.</summary>
    public float FactorAround1(double strength) => (float)(1 + strength * (2 * Random.NextDouble() - 1));
}
