namespace Microsoft.ML.ResNet.Network;

/// <summary>
/// What a model may be at most: one list for training, loading, importing and saving, so that nothing can be trained that cannot be saved.
/// The limits keep a damaged or hostile file from asking for absurd amounts of memory; docs/model-format.md lists them.
/// </summary>
internal static class ModelLimits
{
    /// <summary>Classes; the largest public set of images has 21,841.</summary>
    public const int Classes = 100_000;

    /// <summary>Colour planes of an image.</summary>
    public const int Channels = 4;

    /// <summary>The longest side of an image, in pixels.</summary>
    public const int ImageSide = 16_384;

    /// <summary>Values of an image: 4 x 4096 x 4096.</summary>
    public const int ImageSize = 1 << 26;

    /// <summary>Channels inside a network.</summary>
    public const int Width = 1 << 20;

    /// <summary>Residual blocks of a network; the deepest that was published has 603.</summary>
    public const int Blocks = 20_000;

    /// <summary>The shapes of images that a model may take, in words.</summary>
    public static string ImageShapes
        => $"1 to {Channels} channels, sides of 1 to {ImageSide} pixels, and at most {ImageSize} values in all";

    /// <summary>Whether a model may take images of that shape.</summary>
    public static bool Allow(ImageShape shape)
        => shape is { Channels: >= 1 and <= Channels, Height: >= 1 and <= ImageSide, Width: >= 1 and <= ImageSide }
            && (long)shape.Channels * shape.Height * shape.Width <= ImageSize;

    /// <summary>Whether the normalisation of a channel makes finite numbers of pixels.</summary>
    public static bool Allow(float mean, float deviation)
        => deviation > 0 && float.IsFinite(deviation) && float.IsFinite(1 / (255 * deviation)) && float.IsFinite(mean / deviation);

    /// <summary>Lists what keeps an architecture from being a model, besides its own <see cref="ResNetArchitecture.Problems"/>.</summary>
    public static IEnumerable<string> Problems(ResNetArchitecture architecture)
    {
        if (architecture.Stages.Sum(stage => (long)stage.Blocks) is > Blocks and var blocks)
            yield return $"The network has {blocks} blocks; expected at most {Blocks}.";
        if (architecture.StemWidth > Width || architecture.Stages.Any(stage => stage.Width > Width))
            yield return $"The network is wider than {Width} channels. Make its stem and its stages narrower.";
        if (architecture.Stages.Any(stage => stage.Stride > ImageSide))
            yield return $"The network strides over more than {ImageSide} pixels. Make the strides of its stages smaller.";
    }
}
