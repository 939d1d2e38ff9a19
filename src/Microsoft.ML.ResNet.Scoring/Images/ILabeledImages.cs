namespace Microsoft.ML.ResNet.Images;

/// <summary>One image and the name of its class.</summary>
/// <param name="Label">The class name. Never changes after it was handed out.</param>
/// <param name="Bytes">
/// Planar pixels, or an encoded file; empty when they were not asked for. Valid until the next image is asked for: the reader reuses the
/// memory.
/// </param>
internal readonly record struct LabeledImage(ReadOnlyMemory<char> Label, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>The path of the file, for views of encoded files. Never changes after it was handed out.</summary>
    public ReadOnlyMemory<char> Path { get; init; }

    /// <summary>Makes the pixels of an image that nobody was expected to ask for; <see langword="null"/> where they are there.</summary>
    public Func<ReadOnlyMemory<byte>>? Later { get; init; }
}

/// <summary>
/// Images that can be read again and again, always in the same order. What a view shows as rows.
/// </summary>
internal interface ILabeledImages
{
    /// <summary>The shape that every image has; <see langword="null"/> where images are encoded files, each of a size of its own.</summary>
    ImageShape? Shape { get; }

    /// <summary>How pictures of another size have become that; <see langword="null"/> where there was nothing to resize.</summary>
    ImageGeometry? Geometry { get; }

    /// <summary>How many images there are, or null when only reading them all would tell.</summary>
    long? Count { get; }

    /// <summary>
    /// One pass over the images. Nothing is opened before the first image is asked for, and disposing the enumerator at any time closes
    /// everything. Passes are independent of each other and may be interleaved.
    /// </summary>
    /// <param name="withBytes">
    /// Whether the caller wants <see cref="LabeledImage.Bytes"/>; if not, nothing is read or decoded for them.
    /// </param>
    /// <param name="wanted">
    /// Whose bytes; others come as <see cref="LabeledImage.Later"/>, where they would cost something. <see langword="null"/>: all.
    /// </param>
    /// <exception cref="InvalidDataException">While enumerating: a file is truncated, foreign or otherwise broken.</exception>
    IEnumerable<LabeledImage> Read(bool withBytes, RowsWanted? wanted = null);
}
