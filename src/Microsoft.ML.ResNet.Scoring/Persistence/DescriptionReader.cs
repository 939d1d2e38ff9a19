using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Persistence;

/// <summary>
/// Turns the parts of a description into what the library works with, and refuses values out of range (docs/model-format.md lists the
/// ranges).
/// </summary>
internal static class DescriptionReader
{
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
        if (plan.Problems().Concat(ModelLimits.Problems(plan)).FirstOrDefault() is { } problem)
            throw Error($"an impossible network: {problem}");
        return plan;
    }

    /// <summary>The shape of the images.</summary>
    /// <exception cref="ModelFormatException">It is out of range.</exception>
    public static ImageShape Shape(ModelDescription.ImageDescription image)
    {
        var shape = new ImageShape(image.Channels, image.Height, image.Width);
        return ModelLimits.Allow(shape) ? shape : throw Error($"images of {shape}; expected {ModelLimits.ImageShapes}");
    }

    /// <summary>How pictures become images of that shape.</summary>
    /// <exception cref="ModelFormatException">It is none.</exception>
    public static ImageGeometry Geometry(ModelDescription.ImageDescription image)
    {
        if (image.Geometry is not { } read)
            return ImageGeometry.Legacy;
        var geometry = new ImageGeometry
        {
            Fit = read.Fit,
            CropRatio = read.CropRatio ?? ImageGeometry.CenterCrop.CropRatio,
            HonorOrientation = read.HonorOrientation,
            Interpolation = read.Interpolation,
        };
        return geometry.Problems().FirstOrDefault() is { } problem ? throw Error($"an impossible geometry: {problem}") : geometry;
    }

    /// <summary>The normalisation of the pixels.</summary>
    /// <exception cref="ModelFormatException">
    /// There is not one mean and one deviation for each channel, or not such that pixels become finite numbers.
    /// </exception>
    public static Normalization Normalization(ModelDescription.ImageDescription image)
        => image.Mean.Count == image.Channels && image.Deviation.Count == image.Channels
            && image.Mean.Zip(image.Deviation, ModelLimits.Allow).All(usable => usable)
            ? new Normalization(image.Mean, image.Deviation)
            : throw Error($"no finite mean and deviation above 0 for each of {image.Channels} channels");

    /// <summary>The columns, and how pixels lie in them.</summary>
    /// <exception cref="ModelFormatException">
    /// A name is empty, two columns that the model writes have one name, or layout, order or range are none.
    /// </exception>
    public static ModelColumns Columns(ModelDescription.ColumnDescription columns, ModelDescription.ImageDescription image)
    {
        if (new[] { columns.Feature, columns.Label, columns.Score, columns.PredictedLabel }.Any(string.IsNullOrWhiteSpace)
            || columns.Problem?.Trim() is { Length: 0 })
            throw Error("a column without a name");
        if (columns.Score == columns.PredictedLabel)
            throw Error("one name for the column of scores and that of the predicted label");
        if (columns.Problem == columns.Score || columns.Problem == columns.PredictedLabel)
            throw Error("one name for the column of problems and another that the model writes");
        if (!Enum.IsDefined(image.Layout) || !Enum.IsDefined(image.Order))
            throw Error("an unknown layout or order of pixels");
        var (black, full) = (image.Black ?? PixelRange.Bytes.Black, image.Full ?? PixelRange.Bytes.Full);
        if (!PixelRange.IsUsable(black, full))
            throw Error("no two finite values of black and of full pixels that differ");
        return new ModelColumns(columns.Feature, columns.Label, columns.Score, columns.PredictedLabel, image.Layout, image.Order)
        {
            ProblemColumn = columns.Problem,
            Range = image is { Black: null, Full: null } ? PixelRange.Bytes : new PixelRange(black, full),
        };
    }

    private static ModelFormatException Error(string found) => new($"model.json describes {found}.");
}
