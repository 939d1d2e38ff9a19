using Microsoft.ML.ResNet.Images;

namespace Microsoft.ML.ResNet;

/// <summary>How <c>LoadFromImageFolder</c> should load images.</summary>
public sealed record ImageFolderOptions
{
    /// <summary>Rows of every loaded image, in pixels; images of another size are resized. From 1 to 65,535.</summary>
    /// <value>The default, null, is the height of the first image.</value>
    public int? Height { get; init; }

    /// <summary>
    /// Columns of every loaded image, in pixels; images of another size are resized. From 1 to 65,535.
    /// </summary>
    /// <value>The default, null, is the width of the first image.</value>
    public int? Width { get; init; }

    /// <summary>
    /// Channels of every loaded image: 3 (red, green, blue; grey images become three equal planes) or 1 (grey; Rec. 601 luma of coloured
    /// images).
    /// </summary>
    /// <value>The default is 3.</value>
    public int Channels { get; init; } = 3;

    /// <summary>
    /// How a picture of another size becomes an image of <see cref="Height"/> x <see cref="Width"/>. A model that is trained on the images
    /// remembers it, so that it treats files the same way; <see cref="ResNetModelParameters.ImageGeometry"/> tells it.
    /// </summary>
    /// <value>The default is <see cref="ImageGeometry.Fill"/>: squashed or stretched, and turned as the camera's tag says.</value>
    public ImageGeometry Geometry { get; init; } = ImageGeometry.Fill;

    /// <summary>The folder inside the path (<c>train</c>, <c>data/test</c>) that holds the class folders.</summary>
    /// <value>The default, null, is the path itself.</value>
    public string? Subfolder { get; init; }

    /// <summary>The part of the files to load, in their order, where several processes share them.</summary>
    /// <value>The default, null, is all of them.</value>
    public ImageShard? Shard { get; init; }

    /// <summary>
    /// What to do with files that cannot be decoded, or not even opened (links that lead nowhere, missing permissions, errors of the disk).
    /// </summary>
    /// <value>The default is <see cref="UnreadableImageBehavior.Throw"/>.</value>
    /// <remarks>
    /// With <see cref="UnreadableImageBehavior.Skip"/>, all cursors must agree on the rows that are left out. So the first full pass
    /// decodes every image, even if only the label is wanted; later passes over the label decode nothing, as with
    /// <see cref="UnreadableImageBehavior.Throw"/>.
    /// </remarks>
    public UnreadableImageBehavior UnreadableImageBehavior { get; init; } = UnreadableImageBehavior.Throw;

    /// <summary>
    /// Called once for each image that is skipped, with a message that names the file and the reason: count the calls, or log them.
    /// </summary>
    /// <value>The default is null: images are skipped silently.</value>
    /// <remarks>Called by the thread that moves the cursor.</remarks>
    public Action<string>? UnreadableImageCallback { get; init; }

    /// <summary>How many images a cursor may decode at the same time. At least 1.</summary>
    /// <value>The default is the number of processors that .NET sees, which respects a container's limit.</value>
    public int MaxDegreeOfParallelism { get; init; } = Environment.ProcessorCount;

    /// <summary>Refuses impossible values, all in one message.</summary>
    /// <exception cref="ArgumentException">One or more properties are out of range.</exception>
    internal void Validate()
    {
        var problems = new List<string>();
        if (Height is < 1 or > ImageDecoder.MaxSide)
            problems.Add($"{nameof(Height)} is {Height}; expected null or 1 to {ImageDecoder.MaxSide}.");
        if (Width is < 1 or > ImageDecoder.MaxSide)
            problems.Add($"{nameof(Width)} is {Width}; expected null or 1 to {ImageDecoder.MaxSide}.");
        if ((long)(Height ?? 1) * (Width ?? 1) > ImageDecoder.MaxPixels)
            problems.Add($"{nameof(Height)} x {nameof(Width)} is {Height} x {Width}; expected at most {ImageDecoder.MaxPixels} pixels.");
        problems.AddRange(Geometry?.Problems()
            ?? [$"{nameof(Geometry)} is null; {nameof(ImageGeometry)}.{nameof(ImageGeometry.Fill)} is the default."]);
        if (Channels is not (1 or 3))
            problems.Add($"{nameof(Channels)} is {Channels}; expected 1 or 3.");
        if (!Enum.IsDefined(UnreadableImageBehavior))
            problems.Add(
                $"{nameof(UnreadableImageBehavior)} is {UnreadableImageBehavior}; expected "
                + $"{UnreadableImageBehavior.Throw} or {UnreadableImageBehavior.Skip}.");
        if (MaxDegreeOfParallelism < 1)
            problems.Add($"{nameof(MaxDegreeOfParallelism)} is {MaxDegreeOfParallelism}; expected at least 1.");
        if (problems.Count > 0)
            throw new ArgumentException(string.Join(" ", problems), "options");
    }
}
