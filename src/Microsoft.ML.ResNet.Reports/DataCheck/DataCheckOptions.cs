namespace Microsoft.ML.ResNet.Reports;

/// <summary>
/// How <see cref="DataChecker"/> checks. The default of <see cref="NearDuplicateAgreement"/> is measured, on CIFAR-10
/// (docs/data-check.md); the other thresholds' are judged by eye and by habit.
/// </summary>
public sealed record DataCheckOptions
{
    /// <summary>
    /// The network whose features tell which images are alike, which labels look wrong and what is an outlier; it stays the caller's. The
    /// default, null, leaves out labels and outliers.
    /// </summary>
    public ResNetTransformer? Network { get; init; }

    /// <summary>
    /// From which agreement on two images are near-duplicates: the correlation of their details after the best affine alignment, above 0
    /// and up to 1. The default is 0.8.
    /// </summary>
    public double NearDuplicateAgreement { get; init; } = 0.8;

    /// <summary>
    /// The most that the probability of a label may be of the probability of another class, each in parts of what is usual for the class,
    /// for the label to look wrong; above 0, up to 1. The default is 0.01.
    /// </summary>
    public double SuspectLabelRatio { get; init; } = 0.01;

    /// <summary>
    /// The part of the images that may look wrongly labelled before that is serious, from 0 to 1. The default is 0.01.
    /// </summary>
    public double SeriousLabelPart { get; init; } = 0.01;

    /// <summary>
    /// How far an image's features may lie from its nearest ones to be no outlier: so many times the median of all images' distances,
    /// above 1. The default is 2.
    /// </summary>
    public double OutlierDistance { get; init; } = 2;

    /// <summary>
    /// Below which standard deviation of its grey values, of 0 to 255, an image shows nothing; 0 or more. The default is 4.
    /// </summary>
    public double LeastContrast { get; init; } = 4;

    /// <summary>
    /// The longest side for the shortest one that is no finding: an aspect ratio above 1. The default is 3.
    /// </summary>
    public double LargestAspectRatio { get; init; } = 3;

    /// <summary>
    /// An image is small when its shorter side is below this part of the median of all shorter sides; from 0 to below 1. The default is
    /// 0.25.
    /// </summary>
    public double SmallPart { get; init; } = 0.25;

    /// <summary>Fewer training images of a class than this are few. The default is 10; 1 or more.</summary>
    public int FewImages { get; init; } = 10;

    /// <summary>A largest class of more than so many times the smallest one's images is a finding; above 1. The default is 10.</summary>
    public double LargestImbalance { get; init; } = 10;

    /// <summary>Folds of the learners that judge labels; 2 to 20. The default is 5.</summary>
    public int Folds { get; init; } = 5;

    /// <summary>Decides which images share a fold. The default is 1.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Is told what is being done, how much of it is done and how much there is; from several threads.</summary>
    public Action<string, int, int>? Progress { get; init; }

    /// <summary>Half of it times the squares of the learners' weights is added to their loss.</summary>
    internal double Penalty { get; init; } = 0.03;

    /// <summary>What is out of range, in sentences.</summary>
    internal IEnumerable<string> Problems()
    {
        (string Name, double Value, bool IsRight, string Expected)[] members =
        [
            (nameof(NearDuplicateAgreement), NearDuplicateAgreement, NearDuplicateAgreement is > 0 and <= 1, "above 0 and up to 1"),
            (nameof(SuspectLabelRatio), SuspectLabelRatio, SuspectLabelRatio is > 0 and <= 1, "above 0 and up to 1"),
            (nameof(SeriousLabelPart), SeriousLabelPart, SeriousLabelPart is >= 0 and <= 1, "from 0 to 1"),
            (nameof(OutlierDistance), OutlierDistance, OutlierDistance > 1, "above 1"),
            (nameof(LeastContrast), LeastContrast, LeastContrast >= 0, "0 or more"),
            (nameof(LargestAspectRatio), LargestAspectRatio, LargestAspectRatio > 1, "above 1"),
            (nameof(SmallPart), SmallPart, SmallPart is >= 0 and < 1, "from 0 to below 1"),
            (nameof(FewImages), FewImages, FewImages >= 1, "1 or more"),
            (nameof(LargestImbalance), LargestImbalance, LargestImbalance > 1, "above 1"),
            (nameof(Folds), Folds, Folds is >= 2 and <= 20, "2 to 20"),
        ];
        return members.Where(member => !member.IsRight)
            .Select(member => FormattableString.Invariant($"{member.Name} is {member.Value}; expected {member.Expected}."));
    }
}
