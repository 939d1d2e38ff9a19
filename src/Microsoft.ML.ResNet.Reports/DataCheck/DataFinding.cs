using System.Text.Json.Serialization;

namespace Microsoft.ML.ResNet.Reports;

/// <summary>What can be wrong with images.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<DataFindingKind>))]
public enum DataFindingKind
{
    /// <summary>A file that cannot be read as an image. Serious.</summary>
    [JsonStringEnumMemberName("unreadable")]
    Unreadable = 0,

    /// <summary>A class of one part that another part lacks; serious where training lacks it.</summary>
    [JsonStringEnumMemberName("missingClass")]
    MissingClass = 1,

    /// <summary>Files of the same bytes; serious across parts and under two labels.</summary>
    [JsonStringEnumMemberName("exactDuplicate")]
    ExactDuplicate = 2,

    /// <summary>Two images of the same shot; serious across parts and under two labels.</summary>
    [JsonStringEnumMemberName("nearDuplicate")]
    NearDuplicate = 3,

    /// <summary>A label that looks wrong; serious where many do (<see cref="DataCheckOptions.SeriousLabelPart"/>).</summary>
    [JsonStringEnumMemberName("suspectLabel")]
    SuspectLabel = 4,

    /// <summary>A class of few images, or of many fewer than the largest.</summary>
    [JsonStringEnumMemberName("fewImages")]
    FewImages = 5,

    /// <summary>An image of one colour, or almost.</summary>
    [JsonStringEnumMemberName("noContrast")]
    NoContrast = 6,

    /// <summary>An image unlike all others.</summary>
    [JsonStringEnumMemberName("outlier")]
    Outlier = 7,

    /// <summary>An image much smaller than the others, or much longer than wide.</summary>
    [JsonStringEnumMemberName("unusualSize")]
    UnusualSize = 8,

    /// <summary>An image that a camera's orientation tag turns.</summary>
    [JsonStringEnumMemberName("orientationTag")]
    OrientationTag = 9,
}

/// <summary>An image of a finding.</summary>
public sealed record FoundImage
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Its class.</summary>
    public required string Label { get; init; }

    /// <summary>What it is there for, such as <c>train</c>.</summary>
    public required string Part { get; init; }
}

/// <summary>Something that the check has found.</summary>
public sealed record DataFinding
{
    /// <summary>What.</summary>
    public required DataFindingKind Kind { get; init; }

    /// <summary>Whether a network learnt from these images would be worse for it, or its measured accuracy wrong.</summary>
    public bool IsSerious { get; init; }

    /// <summary>Whether its images are of several parts, such as training and validation.</summary>
    public bool CrossesParts { get; init; }

    /// <summary>Whether its images have several labels.</summary>
    public bool CrossesLabels { get; init; }

    /// <summary>What was seen, as a sentence.</summary>
    public required string Explanation { get; init; }

    /// <summary>
    /// How sure or how strong it is, where that is a number: the agreement of near-duplicates, the probability of the suggested class, the
    /// distance of an outlier, the contrast.
    /// </summary>
    public double? Score { get; init; }

    /// <summary>The class that an image with a suspected label looks like.</summary>
    public string? SuggestedLabel { get; init; }

    /// <summary>The images: none for what is wrong with a class, all of a group of duplicates.</summary>
    public IReadOnlyList<FoundImage> Images { get; init; } = [];
}
