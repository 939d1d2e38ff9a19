using Microsoft.ML.ResNet.Images;

namespace Microsoft.ML.ResNet;

/// <summary>What an <see cref="ImageClassifier"/> refuses to look at. Everything has a default. Immutable.</summary>
public sealed record ImageClassifierOptions
{
    /// <summary>The most bytes of an encoded picture; 1 to 1 GiB. The default is 64 MiB.</summary>
    public int MaximumBytes { get; init; } = 64 << 20;

    /// <summary>
    /// The most pixels of a picture, checked before they are decoded; 1 to 100 million, the default. A picture takes four bytes for a
    /// pixel while it is decoded.
    /// </summary>
    public long MaximumPixels { get; init; } = ImageDecoder.MaxPixels;

    /// <exception cref="ArgumentOutOfRangeException">A value is out of its range.</exception>
    internal void Check(string parameter)
    {
        if (MaximumBytes is < 1 or > 1 << 30)
            throw new ArgumentOutOfRangeException(parameter, MaximumBytes,
                $"ImageClassifierOptions.MaximumBytes must be 1 to {1 << 30}.");
        if (MaximumPixels is < 1 or > ImageDecoder.MaxPixels)
            throw new ArgumentOutOfRangeException(parameter, MaximumPixels,
                $"ImageClassifierOptions.MaximumPixels must be 1 to {ImageDecoder.MaxPixels}.");
    }
}
