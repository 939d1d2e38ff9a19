using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Persistence;

/// <summary>
/// Turns the parts of a description into what the library works with, and refuses values out of range (docs/model-format.md lists the
/// ranges).
/// </summary>
internal static class DescriptionReader
{
    private const int MaximumChannels = 4;
    private const int MaximumImageSide = 16_384;
    private const int MaximumImageSize = 1 << 26; // 4 x 4096 x 4096 values
    private const int MaximumWidth = 1 << 20;
    private const int MaximumBlocks = 20_000; // the deepest published network has 603

    /// <summary>The plan of the network.</summary>
    /// <exception cref="ModelFormatException">No network can be built from it, or only an absurd one.</exception>
    public static ResNetArchitecture Architecture(ModelDescription.ArchitectureDescription read)
    {
        if (read.Stages.Contains(null) || !Enum.IsDefined(read.Stem) || !Enum.IsDefined(read.Block) || !Enum.IsDefined(read.Shortcut)
            || !Enum.IsDefined(read.Naming))
            throw Error("an architecture whose stem, block, shortcut, naming or stages are not of this format");
        var plan = new ResNetArchitecture
        {
            Stem = read.Stem,
            StemWidth = read.StemWidth,
            Block = read.Block,
            Shortcut = read.Shortcut,
            ConvolutionBias = read.ConvolutionBias,
            Naming = read.Naming,
            Stages = [.. read.Stages.Select(stage => new ResNetStage(stage!.Width, stage.Blocks, stage.Stride))],
        };
        if (plan.Problems().FirstOrDefault() is { } problem)
            throw Error($"an impossible network: {problem}");
        if (plan.Stages.Sum(stage => (long)stage.Blocks) > MaximumBlocks)
            throw Error($"a network of more than {MaximumBlocks} blocks");
        if (plan.StemWidth > MaximumWidth || plan.Stages.Any(stage => stage.Width > MaximumWidth || stage.Stride > MaximumImageSide))
            throw Error($"a network that is wider than {MaximumWidth} channels or strides over more than {MaximumImageSide} pixels");
        return plan;
    }

    /// <summary>The shape of the images.</summary>
    /// <exception cref="ModelFormatException">It is out of range.</exception>
    public static ImageShape Shape(ModelDescription.ImageDescription image)
    {
        var shape = new ImageShape(image.Channels, image.Height, image.Width);
        return IsUsable(shape) ? shape : throw Error($"images of {shape}; expected {UsableShapes}");
    }

    /// <summary>The shapes that a model may take, in words.</summary>
    public static string UsableShapes
        => $"1 to {MaximumChannels} channels, sides of 1 to {MaximumImageSide} pixels, and at most {MaximumImageSize} values in all";

    /// <summary>Whether a model may take images of that shape.</summary>
    public static bool IsUsable(ImageShape shape)
        => shape is { Channels: >= 1 and <= MaximumChannels, Height: >= 1 and <= MaximumImageSide, Width: >= 1 and <= MaximumImageSide }
            && shape.Size <= MaximumImageSize;

    /// <summary>Whether the normalisation of a channel makes finite numbers of pixels.</summary>
    public static bool IsUsable(float mean, float deviation)
        => deviation > 0 && float.IsFinite(deviation) && float.IsFinite(1 / (255 * deviation)) && float.IsFinite(mean / deviation);

    /// <summary>The normalisation of the pixels.</summary>
    /// <exception cref="ModelFormatException">
    /// There is not one mean and one deviation for each channel, or not such that pixels become finite numbers.
    /// </exception>
    public static Normalization Normalization(ModelDescription.ImageDescription image)
        => image.Mean.Count == image.Channels && image.Deviation.Count == image.Channels
            && image.Mean.Zip(image.Deviation, IsUsable).All(usable => usable)
            ? new Normalization(image.Mean, image.Deviation)
            : throw Error($"no finite mean and deviation above 0 for each of {image.Channels} channels");

    /// <summary>The columns, and how pixels lie in them.</summary>
    /// <exception cref="ModelFormatException">
    /// A name is empty, the two columns that the model writes have one name, or layout or order are unknown.
    /// </exception>
    public static ModelColumns Columns(ModelDescription.ColumnDescription columns, ModelDescription.ImageDescription image)
    {
        if (new[] { columns.Feature, columns.Label, columns.Score, columns.PredictedLabel }.Any(string.IsNullOrWhiteSpace))
            throw Error("a column without a name");
        if (columns.Score == columns.PredictedLabel)
            throw Error("one name for the column of scores and that of the predicted label");
        if (!Enum.IsDefined(image.Layout) || !Enum.IsDefined(image.Order))
            throw Error("an unknown layout or order of pixels");
        return new ModelColumns(columns.Feature, columns.Label, columns.Score, columns.PredictedLabel, image.Layout, image.Order);
    }

    private static ModelFormatException Error(string found) => new($"model.json describes {found}.");
}
