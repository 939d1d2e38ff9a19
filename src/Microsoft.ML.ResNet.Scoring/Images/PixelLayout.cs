namespace Microsoft.ML.ResNet;

/// <summary>Where the channels of a pixel lie in a vector.</summary>
public enum PixelLayout
{
    /// <summary>As the dimensions of the column's type say: C x H x W is planar, H x W x C interleaved.</summary>
    Auto,

    /// <summary>One channel after the other: C x H x W, as <c>ExtractPixels</c> makes it by default.</summary>
    Planar,

    /// <summary>One pixel after the other: H x W x C.</summary>
    Interleaved,
}
