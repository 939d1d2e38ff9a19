namespace Microsoft.ML.ResNet;

/// <summary>The values that black and full pixels have in vectors of <see cref="float"/>; pixels between them lie in proportion.</summary>
public sealed class PixelRange
{
    /// <summary>Gives the range.</summary>
    /// <param name="black">The value of a pixel of 0.</param>
    /// <param name="full">The value of a pixel of 255; another than <paramref name="black"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value is not finite, or both are the same.</exception>
    public PixelRange(float black, float full)
    {
        if (!IsUsable(black, full))
            throw new ArgumentOutOfRangeException(nameof(full), full,
                $"Expected two finite values that differ, of black and of full pixels, got {black} and {full}.");
        (Black, Full) = (black, full);
    }

    /// <summary>0 to 255, as <c>ExtractPixels</c> makes them by default.</summary>
    public static PixelRange Bytes { get; } = new(0, 255);

    /// <summary>0 to 1, as <c>ExtractPixels(scaleImage: 1 / 255f)</c> makes them.</summary>
    public static PixelRange ZeroToOne { get; } = new(0, 1);

    /// <summary>-1 to 1, as <c>ExtractPixels(offsetImage: 127.5f, scaleImage: 1 / 127.5f)</c> makes them.</summary>
    public static PixelRange MinusOneToOne { get; } = new(-1, 1);

    /// <summary>The value of a pixel of 0.</summary>
    public float Black { get; }

    /// <summary>The value of a pixel of 255.</summary>
    public float Full { get; }

    /// <summary>The range that <c>ExtractPixels</c> makes: (pixel - offset) x scale.</summary>
    /// <param name="offsetImage">What is subtracted, as given to <c>ExtractPixels</c>.</param>
    /// <param name="scaleImage">What the difference is multiplied by, as given to <c>ExtractPixels</c>; not 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">The scale is 0, or a value is not finite.</exception>
    public static PixelRange OfExtractPixels(float offsetImage = 0, float scaleImage = 1)
        => new(-offsetImage * scaleImage, (255 - offsetImage) * scaleImage);

    /// <summary>The range as <c>0 to 255</c>.</summary>
    public override string ToString() => FormattableString.Invariant($"{Black} to {Full}");

    /// <summary>Whether this is <see cref="Bytes"/>.</summary>
    internal bool IsBytes => (Black, Full) == (0, 255);

    /// <summary>Whether two values can be black and full.</summary>
    internal static bool IsUsable(float black, float full)
        => float.IsFinite(black) && float.IsFinite(full) && float.IsNormal(full - black) && float.IsFinite(255 / (full - black));
}
