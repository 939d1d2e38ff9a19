using System.Collections;
using System.Runtime.CompilerServices;
using Microsoft.ML.ResNet.Augmentation;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet;

/// <summary>
/// Augmentations in the order in which they are applied. An immutable value that prints itself as a sentence,
/// <c>crop(4) | flip</c>, and is written as a list: <c>AugmentationPolicy p = [new RandomCrop(4), new HorizontalFlip()];</c>
/// </summary>
[CollectionBuilder(typeof(AugmentationPolicy), nameof(Create))]
public sealed class AugmentationPolicy : IReadOnlyList<ImageAugmentation>, IEquatable<AugmentationPolicy>
{
    private const int LeastOfPhoto = 96; // pixels of the shorter side

    private static readonly AugmentationPolicy OfPhotos = new([new RandomResizedCrop(), new HorizontalFlip()]);
    private static readonly AugmentationPolicy OfSmallImages = new([new RandomCrop(4), new HorizontalFlip()]);

    private readonly ImageAugmentation[] _augmentations;
    private bool IsAuto { get; init; }

    private AugmentationPolicy(ImageAugmentation[] augmentations) => _augmentations = augmentations;

    /// <summary>The policy that changes nothing.</summary>
    public static AugmentationPolicy None { get; } = new([]);

    /// <summary>
    /// What is usual for images of the training's size: <c>random resized crop | flip</c> for photos, whose sides are 96 pixels or more,
    /// and <c>crop(4) | flip</c> for smaller ones. Write the policy out where left and right differ.
    /// </summary>
    public static AugmentationPolicy Auto { get; } = new([]) { IsAuto = true };

    /// <summary>Makes a policy of these augmentations, in this order.</summary>
    /// <exception cref="ArgumentException">One of them is <see langword="null"/>.</exception>
    public static AugmentationPolicy Create(params ReadOnlySpan<ImageAugmentation> augmentations)
    {
        foreach (var augmentation in augmentations)
            if (augmentation is null)
                throw new ArgumentException("An augmentation is null; leave it out instead.", nameof(augmentations));
        return new(augmentations.ToArray());
    }

    /// <inheritdoc/>
    public int Count => _augmentations.Length;

    /// <inheritdoc/>
    public ImageAugmentation this[int index] => _augmentations[index];

    /// <inheritdoc/>
    public IEnumerator<ImageAugmentation> GetEnumerator() => _augmentations.AsEnumerable().GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Two policies are equal when they hold equal augmentations in the same order.</summary>
    public bool Equals(AugmentationPolicy? other) => other is not null && IsAuto == other.IsAuto
        && _augmentations.SequenceEqual(other._augmentations);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as AugmentationPolicy);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Count, _augmentations.FirstOrDefault());

    /// <summary>
    /// The sentence, such as <c>crop(4) | flip</c>; <c>none</c> for the empty policy, <c>auto</c> for <see cref="Auto"/>.
    /// </summary>
    public override string ToString() => IsAuto ? "auto" : Count == 0 ? "none" : string.Join(" | ", _augmentations.AsEnumerable());

    /// <summary>The policy for images of a shape: this one, or what <see cref="Auto"/> means there.</summary>
    internal AugmentationPolicy For(ImageShape shape)
        => !IsAuto ? this : Math.Min(shape.Height, shape.Width) >= LeastOfPhoto ? OfPhotos : OfSmallImages;

    /// <summary>
    /// The shape in which whole pictures are kept for images of a shape; <see langword="null"/> where no augmentation cuts parts out of
    /// them.
    /// </summary>
    internal ImageShape? KeptFor(ImageShape shape)
        => For(shape).OfType<RandomResizedCrop>().FirstOrDefault() is { } crop ? crop.KeptFor(shape) : null;

    /// <summary>Applies every augmentation in turn.</summary>
    /// <param name="images">Pixels: uint8, (N, C, H, W); not written to.</param>
    /// <param name="context">Where random choices come from, and what else there is to know.</param>
    /// <returns>Pixels of the same type and shape; the caller owns them.</returns>
    internal Tensor Apply(Tensor images, AugmentationContext context)
    {
        using var scope = NewDisposeScope();
        var result = _augmentations.Aggregate(images.alias(), (batch, augmentation) => augmentation.Apply(batch, context));
        return result.MoveToOuterDisposeScope();
    }
}
