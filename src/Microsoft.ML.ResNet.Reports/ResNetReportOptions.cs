using Microsoft.ML.ResNet.Reports.Pages;

namespace Microsoft.ML.ResNet.Reports;

/// <summary>
/// What a report tells beside what it measures. Everything may stay unset; the report leaves out what nobody knows. Immutable.
/// </summary>
public sealed record ResNetReportOptions
{
    private const int SmallestThumbnail = 16, LargestThumbnail = 512;

    /// <summary>The title. The default is the architecture and the number of classes.</summary>
    public string? Title { get; init; }

    /// <summary>
    /// The column of the labels, before or after the model: names of classes as text, or keys. The default is <c>Label</c>.
    /// </summary>
    public string LabelColumnName { get; init; } = ImageColumns.Label;

    /// <summary>
    /// What was trained, and on what: terms and what they are, in their order. The default is none; the network's own are always told.
    /// </summary>
    public IReadOnlyList<KeyValuePair<string, string>> Facts { get; init; } = [];

    /// <summary>The recipe of the training. The default, <see langword="null"/>, is unknown.</summary>
    public TrainingRecipe? Recipe { get; init; }

    /// <summary>
    /// The trainings of the model, one after the other, by name, with the reports of their epochs. The default, <see langword="null"/>, is
    /// one without a name, with the model's <see cref="ResNetTransformer.TrainingHistory"/>.
    /// </summary>
    public IReadOnlyList<KeyValuePair<string, IReadOnlyList<EpochReport>>>? Stages { get; init; }

    /// <summary>
    /// The name of the stage whose weights the model has. The default, <see langword="null"/>, is the last of <see cref="Stages"/>.
    /// </summary>
    public string? KeptStage { get; init; }

    /// <summary>
    /// Training images, of which a batch is shown as <see cref="Recipe"/> augments it; where that fails, the report says why. The default,
    /// <see langword="null"/>, shows none.
    /// </summary>
    public IDataView? TrainingData { get; init; }

    /// <summary>What <see cref="DataChecker"/> says of the data. The default, <see langword="null"/>, is that nobody has looked.</summary>
    public DataCheckResult? DataCheck { get; init; }

    /// <summary>Why there is no <see cref="DataCheck"/>, in a sentence. The default, <see langword="null"/>, says nothing.</summary>
    public string? DataCheckProblem { get; init; }

    /// <summary>The command that trains the model again. The default, <see langword="null"/>, is unknown.</summary>
    public string? Command { get; init; }

    /// <summary>
    /// What else that takes, such as hashes of data and model: terms and what they are. The default is none; versions are always told.
    /// </summary>
    public IReadOnlyList<KeyValuePair<string, string>> Reproduction { get; init; } = [];

    /// <summary>Decides which right answers are shown, and how the batch is augmented. The default is 1.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>The longer side of a thumbnail, in pixels; 16 to 512. The default is 128.</summary>
    public int ThumbnailSide { get; init; } = Thumbnail.UsualSide;

    /// <summary>Stops the work. The default never does.</summary>
    public CancellationToken CancellationToken { get; init; }

    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    internal void Check()
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(LabelColumnName);
        ArgumentNullException.ThrowIfNull(Facts);
        ArgumentNullException.ThrowIfNull(Reproduction);
        if (ThumbnailSide is < SmallestThumbnail or > LargestThumbnail)
            throw new ArgumentOutOfRangeException(nameof(ThumbnailSide), ThumbnailSide,
                $"ThumbnailSide must be {SmallestThumbnail} to {LargestThumbnail} pixels.");
    }
}
