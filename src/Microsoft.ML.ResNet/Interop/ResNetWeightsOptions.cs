using Microsoft.ML.Data;
using Microsoft.ML.ResNet.Network;
using Microsoft.ML.ResNet.Persistence;

namespace Microsoft.ML.ResNet;

/// <summary>What a weights file does not tell about its network, for <c>mlContext.Model.LoadResNetWeights</c>.</summary>
public sealed record ResNetWeightsOptions
{
    private static readonly string[] UnknownClasses = ["unknown 1", "unknown 2"];
    private static readonly float[] ImageNetMeans = [0.485f, 0.456f, 0.406f], ImageNetDeviations = [0.229f, 0.224f, 0.225f];

    /// <summary>The network that the weights belong to.</summary>
    /// <value>There is no default: it must be set.</value>
    public required ResNetArchitecture Architecture { get; init; }

    /// <summary>
    /// The names of the classes, in the order of the network's outputs; two or more, all different. Unset for weights that other classes
    /// will be learnt from: no head is read then, and the file may lack it, because where there is no head there is nothing to name.
    /// </summary>
    /// <value>
    /// The default, null, makes a model for <see cref="ResNetTrainer.Options.InitialModel"/>. Its head is drawn at random for two classes
    /// called <c>unknown 1</c> and <c>unknown 2</c>, so that its own scores mean nothing, as a warning of <see cref="MLContext.Log"/> says.
    /// </value>
    public IReadOnlyList<string>? ClassNames { get; init; }

    /// <summary>The images that the network takes: 1 to 4 channels.</summary>
    /// <value>The default, null, is the architecture's <see cref="ResNetArchitecture.UsualImageShape"/>.</value>
    public ImageShape? ImageShape { get; init; }

    /// <summary>How a picture of another size becomes such an image.</summary>
    /// <value>
    /// The default, null, is what the networks of that stem are evaluated with: <see cref="ImageGeometry.CenterCrop"/> for
    /// <see cref="ResNetStem.ImageNet"/>, and <see cref="ImageGeometry.Fill"/> else.
    /// </value>
    public ImageGeometry? ImageGeometry { get; init; }

    /// <summary>What is subtracted from each channel, in units of 0 (black) to 1 (full).</summary>
    /// <value>
    /// The default, null, is ImageNet's for three channels: 0.485, 0.456, 0.406 (red, green, blue). For other channel counts it must be
    /// set; zeros subtract nothing.
    /// </value>
    public IReadOnlyList<float>? ChannelMeans { get; init; }

    /// <summary>What the difference is divided by for each channel, in the same units; above 0.</summary>
    /// <value>
    /// The default, null, is ImageNet's for three channels: 0.229, 0.224, 0.225. For other channel counts it must be set; ones divide by
    /// nothing.
    /// </value>
    public IReadOnlyList<float>? ChannelStandardDeviations { get; init; }

    /// <summary>
    /// Whether file and network must fit exactly. If not, what does not come from the file is drawn as for training from scratch: a new
    /// head for other classes, a new first convolution for other channels. A warning of <see cref="MLContext.Log"/> names what is drawn and
    /// what is left out, and <see cref="ResNetTransformer.ImportedWeights"/> tells it too.
    /// </summary>
    /// <value>
    /// The default is true; without <see cref="ClassNames"/> that means everything but the head. Even false does not take weights of
    /// another network: every stage that the file has must have the architecture's number of blocks, and at least three quarters of the
    /// convolutions must come from the file.
    /// </value>
    public bool Strict { get; init; } = true;

    /// <summary>
    /// Which network of the file is meant, where it holds several: the key of its state dictionary in a checkpoint, such as
    /// <c>model_ema</c> (with <c>/</c> between keys that lie in one another), or the prefix of its names, such as <c>encoder_q</c>.
    /// </summary>
    /// <value>
    /// The default, null, takes the only one; of several the one that is no moving average, and of those the one under a usual name
    /// (<c>state_dict</c>, <c>model</c>, <c>net</c>). A warning names the others.
    /// </value>
    public string? StateDictKey { get; init; }

    /// <summary>Decides what is drawn where <see cref="Strict"/> is false.</summary>
    /// <value>The default, null, takes the seed of <see cref="MLContext"/>, and without that a random one.</value>
    public int? Seed { get; init; }

    /// <summary>The column of the images to score.</summary>
    /// <value>The default is <c>Features</c>.</value>
    public string FeatureColumnName { get; init; } = DefaultColumnNames.Features;

    /// <summary>The column of the probabilities.</summary>
    /// <value>The default is <c>Score</c>.</value>
    public string ScoreColumnName { get; init; } = DefaultColumnNames.Score;

    /// <summary>The column of the predicted class.</summary>
    /// <value>The default is <c>PredictedLabel</c>.</value>
    public string PredictedLabelColumnName { get; init; } = DefaultColumnNames.PredictedLabel;

    /// <summary>The column of text that says why an image has no scores, and is empty where it has some.</summary>
    /// <value>The default, <see langword="null"/>, adds none.</value>
    public string? ProblemColumnName { get; init; }

    /// <summary>Where the channels of a pixel lie in a vector.</summary>
    /// <value>The default reads it off the vector's dimensions.</value>
    public PixelLayout PixelLayout { get; init; } = PixelLayout.Auto;

    /// <summary>Which channel comes first in a vector.</summary>
    /// <value>The default is red.</value>
    public ChannelOrder ChannelOrder { get; init; } = ChannelOrder.Rgb;

    /// <summary><see cref="ImageShape"/> with its default.</summary>
    internal ImageShape Images => ImageShape ?? Architecture.UsualImageShape;

    /// <summary><see cref="ImageGeometry"/> with its default.</summary>
    internal ImageGeometry Geometry
        => ImageGeometry ?? (Architecture.Stem == ResNetStem.ImageNet ? Microsoft.ML.ResNet.ImageGeometry.CenterCrop
            : Microsoft.ML.ResNet.ImageGeometry.Fill);

    /// <summary>The normalisation with its defaults.</summary>
    internal Normalization Normalization => new([.. ChannelMeans ?? ImageNetMeans], [.. ChannelStandardDeviations ?? ImageNetDeviations]);

    /// <summary>The columns.</summary>
    internal ModelColumns Columns
        => new(FeatureColumnName, DefaultColumnNames.Label, ScoreColumnName, PredictedLabelColumnName, PixelLayout, ChannelOrder)
        {
            ProblemColumn = ProblemColumnName,
        };

    /// <summary>The classes: keys that stand for their names.</summary>
    internal ClassLabels Classes
        => ClassLabels.OfNames(ClassNames ?? UnknownClasses);

    /// <summary>
    /// The order in which the file's first convolution takes red, green and blue. The model's is red, green, blue in any case.
    /// </summary>
    internal ChannelOrder ChannelOrderOfFile { get; init; } = ChannelOrder.Rgb;

    /// <summary>Lists everything that is wrong; empty when nothing is.</summary>
    internal IEnumerable<string> Problems()
    {
        if (Architecture is null)
            return [$"{nameof(Architecture)} is null; it must be set."];
        return Architecture.Problems().Concat(ModelLimits.Problems(Architecture)).Concat(ClassProblems()).Concat(ImageProblems())
            .Concat(ColumnProblems());
    }

    private IEnumerable<string> ClassProblems()
    {
        if (ClassNames is null)
            yield break;
        if (ClassNames.Count < 2)
            yield return $"{nameof(ClassNames)} has {ClassNames.Count} names; expected two or more.";
        if (ClassNames.Any(string.IsNullOrWhiteSpace))
            yield return $"{nameof(ClassNames)} has a name that is empty.";
        else if (ClassNames.GroupBy(name => name, StringComparer.Ordinal).FirstOrDefault(group => group.Skip(1).Any()) is { } twice)
            yield return $"{nameof(ClassNames)} has '{twice.Key}' twice.";
    }

    private IEnumerable<string> ImageProblems()
    {
        if (!ModelLimits.Allow(Images))
            yield return $"{nameof(ImageShape)} is {Images}; expected {ModelLimits.ImageShapes}.";
        foreach (var problem in ImageGeometry?.Problems() ?? [])
            yield return problem;
        var (means, deviations) = (Normalization.Mean, Normalization.Deviation);
        if (means.Count != Images.Channels || deviations.Count != Images.Channels)
            yield return $"{nameof(ChannelMeans)} has {means.Count} values and {nameof(ChannelStandardDeviations)} {deviations.Count}; "
                + $"expected one of each for every one of {Images.Channels} channels (the defaults are for 3).";
        else if (!means.Zip(deviations, ModelLimits.Allow).All(usable => usable))
            yield return $"{nameof(ChannelMeans)} or {nameof(ChannelStandardDeviations)} cannot be used ({Normalization}); expected finite "
                + "numbers in units of 0 to 1, deviations above 0.";
    }

    private IEnumerable<string> ColumnProblems()
    {
        if (StateDictKey is { Length: 0 })
            yield return $"{nameof(StateDictKey)} is empty; it must be a key of the file, or null.";
        if (new[] { FeatureColumnName, ScoreColumnName, PredictedLabelColumnName, ProblemColumnName ?? ScoreColumnName }
            .Any(string.IsNullOrWhiteSpace))
            yield return "A column name is empty.";
        if (ScoreColumnName == PredictedLabelColumnName)
            yield return $"{nameof(ScoreColumnName)} and {nameof(PredictedLabelColumnName)} are both '{ScoreColumnName}'.";
        if (ProblemColumnName is not null && (ProblemColumnName == ScoreColumnName || ProblemColumnName == PredictedLabelColumnName))
            yield return $"{nameof(ProblemColumnName)} is '{ProblemColumnName}', as is another column that the model adds.";
        if (!Enum.IsDefined(PixelLayout) || !Enum.IsDefined(ChannelOrder))
            yield return $"{nameof(PixelLayout)} or {nameof(ChannelOrder)} has an undefined value.";
    }
}
