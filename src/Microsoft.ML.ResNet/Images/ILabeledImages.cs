namespace Microsoft.ML.ResNet.Images;

/// <summary>One image and the name of its class.</summary>
/// <param name="Label">The class name. Never changes after it was handed out.</param>
/// <param name="Pixels">
/// Planar pixels; empty when they were not asked for. Valid until the next image is asked for: the reader reuses the memory.
/// </param>
internal readonly record struct LabeledImage(ReadOnlyMemory<char> Label, ReadOnlyMemory<byte> Pixels);

/// <summary>
/// Images of one shape that can be read again and again, always in the same order. What a view shows as rows.
/// </summary>
internal interface ILabeledImages
{
    /// <summary>The shape that every image has.</summary>
    ImageShape Shape { get; }

    /// <summary>How many images there are, or null when only reading them all would tell.</summary>
    long? Count { get; }

    /// <summary>
    /// One pass over the images. Nothing is opened before the first image is asked for, and disposing the enumerator at any time closes
    /// everything. Passes are independent of each other and may be interleaved.
    /// </summary>
    /// <param name="withPixels">Whether the caller wants <see cref="LabeledImage.Pixels"/>; if not, nothing is decoded for them.</param>
    /// <exception cref="InvalidDataException">While enumerating: a file is truncated, foreign or otherwise broken.</exception>
    IEnumerable<LabeledImage> Read(bool withPixels);
}
