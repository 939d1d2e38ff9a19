using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Persistence;

/// <summary>What a saved model holds besides the network.</summary>
/// <param name="FeatureColumn">The column of the images.</param>
/// <param name="LabelColumn">The column that the labels came from.</param>
/// <param name="ScoreColumn">The column of the probabilities.</param>
/// <param name="PredictedLabelColumn">The column of the predicted class.</param>
/// <param name="Layout">How pixels lie in vectors.</param>
/// <param name="Order">Which channel comes first in vectors.</param>
internal sealed record ModelColumns(string FeatureColumn, string LabelColumn, string ScoreColumn, string PredictedLabelColumn, PixelLayout Layout, ChannelOrder Order);

/// <summary>
/// A model as two entries of ML.NET's zip: <c>model.json</c> and <c>weights.safetensors</c> (docs/model-format.md). Nothing read is
/// trusted: sizes are compared with what the file holds before memory is taken.
/// </summary>
internal static class ModelArchive
{
    /// <summary>The entry of the description.</summary>
    public const string DescriptionEntry = "model.json";

    /// <summary>The entry of the weights.</summary>
    public const string WeightsEntry = "weights.safetensors";

    private const int MaximumDescriptionLength = 64 * 1024 * 1024;
    private const int MaximumImageSide = 16_384;
    private const int MaximumLayers = 20_000;

    /// <summary>Writes the description.</summary>
    public static void WriteDescription(Stream stream, TrainedResNet model, ModelColumns columns)
    {
        var (plan, shape) = (model.Architecture, model.Shape);
        new ModelDescription
        {
            Format = ModelDescription.CurrentFormat,
            Architecture = new(plan.Name, plan.Stem, plan.StemWidth, plan.Block, plan.Shortcut, plan.ConvolutionBias, [.. plan.Stages.Select(stage => new ModelDescription.StageDescription(stage.Width, stage.Blocks, stage.Stride))]),
            Image = new(shape.Channels, shape.Height, shape.Width, model.Normalization.Mean, model.Normalization.Deviation, columns.Layout, columns.Order),
            Classes = ClassLabelsJson.Write(model.Classes),
            Columns = new(columns.FeatureColumn, columns.LabelColumn, columns.ScoreColumn, columns.PredictedLabelColumn),
        }.Write(stream);
    }

    /// <summary>Writes the weights.</summary>
    public static void WriteWeights(Stream stream, TrainedResNet model)
        => Safetensors.Write(stream, model.Weights, new Dictionary<string, string> { ["architecture"] = model.Architecture.Name });

    /// <summary>Reads a model.</summary>
    /// <param name="description">The entry <see cref="DescriptionEntry"/>.</param>
    /// <param name="weights">The entry <see cref="WeightsEntry"/>.</param>
    /// <exception cref="ModelFormatException">The entries are damaged or contradict each other.</exception>
    public static (TrainedResNet Model, ModelColumns Columns) Read(Stream description, Stream weights)
    {
        var read = ModelDescription.Read(ReadBounded(description));
        var (image, columns) = (read.Image, read.Columns);
        var architecture = Architecture(read.Architecture);
        var shape = Shape(image);
        var classes = ClassLabelsJson.Read(read.Classes);
        var model = new TrainedResNet(architecture, shape, NormalizationOf(image), classes, Weights(weights, architecture, shape, classes));
        return (model, new ModelColumns(columns.Feature, columns.Label, columns.Score, columns.PredictedLabel, image.Layout, image.Order));
    }

    private static byte[] ReadBounded(Stream stream)
    {
        using var copy = new MemoryStream();
        var buffer = new byte[81920];
        for (int read; (read = stream.Read(buffer)) > 0;)
        {
            if (copy.Length + read > MaximumDescriptionLength)
                throw new ModelFormatException($"{DescriptionEntry} is longer than {MaximumDescriptionLength} bytes.");
            copy.Write(buffer, 0, read);
        }
        return copy.ToArray();
    }

    private static ResNetArchitecture Architecture(ModelDescription.ArchitectureDescription read)
    {
        var plan = new ResNetArchitecture
        {
            Stem = read.Stem,
            StemWidth = read.StemWidth,
            Block = read.Block,
            Shortcut = read.Shortcut,
            ConvolutionBias = read.ConvolutionBias,
            Stages = [.. read.Stages.Select(stage => new ResNetStage(stage.Width, stage.Blocks, stage.Stride))],
        };
        if (plan.Problems().FirstOrDefault() is { } problem)
            throw new ModelFormatException($"{DescriptionEntry} describes an impossible network: {problem}");
        if (plan.Stages.Sum(stage => (long)stage.Blocks) > MaximumLayers || plan.Stages.Any(stage => stage.Width > 1 << 20 || stage.Stride > MaximumImageSide) || plan.StemWidth > 1 << 20)
            throw new ModelFormatException($"{DescriptionEntry} describes a network of more than {MaximumLayers} blocks, or of absurd widths.");
        return plan;
    }

    private static ImageShape Shape(ModelDescription.ImageDescription image)
        => image is { Channels: >= 1 and <= 4, Height: >= 1 and <= MaximumImageSide, Width: >= 1 and <= MaximumImageSide }
            ? new ImageShape(image.Channels, image.Height, image.Width)
            : throw new ModelFormatException($"{DescriptionEntry} describes images of {image.Channels}x{image.Height}x{image.Width}; expected 1 to 4 channels and sides of 1 to {MaximumImageSide} pixels.");

    private static Normalization NormalizationOf(ModelDescription.ImageDescription image)
        => image.Mean.Count == image.Channels && image.Deviation.Count == image.Channels && image.Mean.All(float.IsFinite) && image.Deviation.All(value => float.IsFinite(value) && value > 0)
            ? new Normalization(image.Mean, image.Deviation)
            : throw new ModelFormatException($"{DescriptionEntry} needs a finite mean and a deviation above 0 for each of {image.Channels} channels.");

    private static IReadOnlyList<NamedTensor> Weights(Stream stream, ResNetArchitecture architecture, ImageShape shape, ClassLabels classes)
    {
        try
        {
            var weights = Safetensors.Read(stream, out _);
            WeightCheck.Check(weights, NetworkPlan.State(architecture, shape.Channels, classes.Count));
            return weights;
        }
        catch (WeightsFormatException e)
        {
            throw new ModelFormatException($"{WeightsEntry} cannot be read: {e.Message}", e);
        }
    }
}
