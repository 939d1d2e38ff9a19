using System.Text.Json;
using Microsoft.ML.ResNet.Reports.DataCheck;

namespace Microsoft.ML.ResNet.Reports;

/// <summary>Images of a part, such as training.</summary>
public sealed record DataPartSummary
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Its images, those that cannot be read included.</summary>
    public required int Images { get; init; }

    /// <summary>How many images each class has, in the order of the classes.</summary>
    public required IReadOnlyDictionary<string, int> Classes { get; init; }
}

/// <summary>The least, the middle and the greatest of some numbers.</summary>
public sealed record DataRange
{
    /// <summary>The least.</summary>
    public required double Least { get; init; }

    /// <summary>The one in the middle.</summary>
    public required double Median { get; init; }

    /// <summary>The greatest.</summary>
    public required double Most { get; init; }
}

/// <summary>What <see cref="DataChecker"/> says about images: plain data.</summary>
public sealed record DataCheckResult
{
    /// <summary>Images, those that cannot be read included.</summary>
    public required int Images { get; init; }

    /// <summary>The parts, training first where it is called so by coming first.</summary>
    public required IReadOnlyList<DataPartSummary> Parts { get; init; }

    /// <summary>Columns of the images, in pixels; <see langword="null"/> where none can be read.</summary>
    public DataRange? Width { get; init; }

    /// <summary>Rows of the images, in pixels.</summary>
    public DataRange? Height { get; init; }

    /// <summary>Columns for each row.</summary>
    public DataRange? AspectRatio { get; init; }

    /// <summary>Whether a network's features were at hand, so that labels and outliers were looked at.</summary>
    public required bool UsedFeatures { get; init; }

    /// <summary>The accuracy of the learners that judged the labels, each on images it had not seen; of 1.</summary>
    public double? OutOfFoldAccuracy { get; init; }

    /// <summary>What was found, the serious first.</summary>
    public required IReadOnlyList<DataFinding> Findings { get; init; }

    /// <summary>How much of each kind was found, nothing included; without features those kinds are left out that need them.</summary>
    public IReadOnlyList<DataKindSummary> Kinds => DataKindSummary.Of(Findings, UsedFeatures);

    /// <summary>Whether anything serious was found.</summary>
    public bool HasSerious => Findings.Any(finding => finding.IsSerious);

    /// <summary>The result as JSON, with names in camel case.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, DataCheckJson.Default.DataCheckResult);

    /// <summary>Writes a page with the pictures of the findings: one file, which needs nothing else.</summary>
    /// <param name="path">The file; an older one is replaced when the new one is whole.</param>
    /// <param name="title">What was checked.</param>
    /// <param name="images">The images that were checked, from which those of findings are read once more.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The file or its folder must not be written.</exception>
    public void SaveHtml(string path, string title, IEnumerable<CheckedImage> images)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        ArgumentException.ThrowIfNullOrWhiteSpace(title);
        ArgumentNullException.ThrowIfNull(images);
        DataCheckPage.Write(path, title, this, images);
    }
}
