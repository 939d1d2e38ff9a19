namespace Microsoft.ML.ResNet.Reports;

/// <summary>How much of one kind was found.</summary>
public sealed record DataKindSummary
{
    /// <summary>The kind.</summary>
    public required DataFindingKind Kind { get; init; }

    /// <summary>What it is called.</summary>
    public required string Title { get; init; }

    /// <summary>What it means, and what to do about it.</summary>
    public required string Advice { get; init; }

    /// <summary>Findings.</summary>
    public required int Count { get; init; }

    /// <summary>Those of them that are serious.</summary>
    public required int Serious { get; init; }

    /// <summary>Those whose images are of several parts.</summary>
    public required int AcrossParts { get; init; }

    /// <summary>Those whose images have several labels.</summary>
    public required int AcrossLabels { get; init; }

    internal static IReadOnlyList<DataKindSummary> Of(IReadOnlyList<DataFinding> findings, bool usedFeatures)
        => [.. from text in Texts
               where usedFeatures || text.Kind is not (DataFindingKind.SuspectLabel or DataFindingKind.Outlier)
               let of = findings.Where(finding => finding.Kind == text.Kind).ToList()
               select new DataKindSummary
               {
                   Kind = text.Kind,
                   Title = text.Title,
                   Advice = text.Advice,
                   Count = of.Count,
                   Serious = of.Count(finding => finding.IsSerious),
                   AcrossParts = of.Count(finding => finding.CrossesParts),
                   AcrossLabels = of.Count(finding => finding.CrossesLabels),
               }];

    private static readonly (DataFindingKind Kind, string Title, string Advice)[] Texts =
    [
        (DataFindingKind.Unreadable, "unreadable files",
            "Training stops at them or leaves them out. Repair, convert or delete them."),
        (DataFindingKind.MissingClass, "classes missing in a part",
            "A network cannot know a class that it has never seen, and nobody knows how good it is at one that is never tested. Move some "
            + "images of the class, or leave it out."),
        (DataFindingKind.ExactDuplicate, "exact duplicates",
            "The same file more than once. Across parts it is tested on what it has learnt, and the accuracy is too high; under two labels "
            + "one is wrong. Keep one of each."),
        (DataFindingKind.NearDuplicate, "near-duplicates",
            "The same shot, cropped, scaled, turned, recoloured or compressed again. Across parts and under two labels they do what exact "
            + "duplicates do; within one label of one part they only count double."),
        (DataFindingKind.SuspectLabel, "labels that look wrong",
            "Learners that have not seen the image are sure that it is something else. Look at each: move what is wrong, keep what is only "
            + "rare, and leave out what shows both."),
        (DataFindingKind.FewImages, "classes of few images",
            "Little is learnt of them. Collect more, or balance the classes while training."),
        (DataFindingKind.NoContrast, "images without contrast",
            "Images of one colour, often placeholders of failed downloads. Delete them."),
        (DataFindingKind.Outlier, "outliers",
            "Unlike everything else: the wrong subject, a drawing among photos, a damaged image. Look at each; what belongs to the class "
            + "may stay."),
        (DataFindingKind.UnusualSize, "unusual sizes",
            "Much smaller than the others, or very long: little is left of them at the network's size. Look whether they are what they "
            + "should be."),
        (DataFindingKind.OrientationTag, "orientation tags",
            "A camera has noted that the image must be turned. This library does so; other programs may not. Turn the pixels to be safe "
            + "everywhere."),
    ];
}
