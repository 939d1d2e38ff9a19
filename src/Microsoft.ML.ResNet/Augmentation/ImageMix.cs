using System.Globalization;
using Microsoft.ML.ResNet.Augmentation;
using Microsoft.ML.ResNet.Data;

namespace Microsoft.ML.ResNet;

/// <summary>
/// How every image of a batch is mixed with a partner, another image of the batch: <see cref="Mixup"/> or <see cref="CutMix"/>. The target
/// of the mixture is mixed alike. Mixing comes after the augmentations. An immutable value; <see cref="object.ToString"/> is how logs print
/// it.
/// </summary>
/// <remarks>
/// It holds back what long trainings learn by heart; a training of few epochs mostly loses by it. Reports of training accuracy then count
/// an answer as right if it is the class of the image that has the larger part, so that they say little; validation is never mixed.
/// </remarks>
public abstract record ImageMix
{
    private protected ImageMix(double alpha) => Alpha = alpha;

    /// <summary>
    /// The shape of the distribution of the image's part, Beta(alpha, alpha); above 0. Small values leave most images nearly alone, 1 makes
    /// every part equally likely.
    /// </summary>
    public double Alpha { get; }

    /// <summary>How often a batch is mixed at all, in (0, 1]. The default is 1: always.</summary>
    public double Probability { get; init; } = 1;

    /// <summary>The name in logs.</summary>
    private protected abstract string Name { get; }

    /// <summary>As in <c>mixup(0.2)</c>, or <c>cutmix(1) of 0.5 of the batches</c>.</summary>
    public sealed override string ToString()
        => string.Create(CultureInfo.InvariantCulture, $"{Name}({Alpha}){(Probability < 1 ? $" of {Probability} of the batches" : "")}");

    /// <summary>Mixes a batch, or leaves it alone.</summary>
    /// <param name="batch">The images; not written to.</param>
    /// <param name="random">Where every random choice comes from.</param>
    /// <returns>
    /// The mixture. Where it was left alone it shares its tensors with <paramref name="batch"/>; the caller owns the others.
    /// </returns>
    internal MixedBatch Apply(PixelBatch batch, Random random)
    {
        if (random.NextDouble() >= Probability)
            return MixedBatch.Unmixed(batch);
        var partners = new long[batch.Count];
        for (var row = 0; row < partners.Length; row++)
            partners[row] = row;
        random.Shuffle(partners);
        return Mix(batch, batch.Take(partners), BetaDistribution.Sample(Alpha, random), random);
    }

    /// <summary>Mixes a batch with another.</summary>
    /// <param name="batch">The images; not written to.</param>
    /// <param name="partners">The images to mix them with, row by row; taken over.</param>
    /// <param name="share">The part of the images themselves, in [0, 1], as it was drawn.</param>
    /// <param name="random">Where further random choices come from.</param>
    private protected abstract MixedBatch Mix(PixelBatch batch, PixelBatch partners, double share, Random random);

    /// <summary>Lists what makes this value unusable; empty when nothing does.</summary>
    internal IEnumerable<string> Problems()
    {
        if (!(double.IsFinite(Alpha) && Alpha > 0))
            yield return string.Create(CultureInfo.InvariantCulture,
                $"{GetType().Name}.Alpha is {Alpha}; it must be a number above 0. Leave Mix unset to mix nothing.");
        if (!(Probability is > 0 and <= 1))
            yield return string.Create(CultureInfo.InvariantCulture,
                $"{GetType().Name}.Probability is {Probability}; it must be above 0 and at most 1. Leave Mix unset to mix nothing.");
    }
}
