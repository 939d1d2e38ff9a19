using Microsoft.ML.ResNet.Reports.Pages;

namespace Microsoft.ML.ResNet.Reports.DataCheck;

/// <summary>The page of a check: a table of kinds, and the pictures of the first findings of each.</summary>
internal static class DataCheckPage
{
    private const int MostFindings = 60; // of a kind
    private const int MostImages = 8; // of a finding
    private const int Side = 96; // pixels

    /// <summary>Writes it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="title">What was checked.</param>
    /// <param name="result">What was found.</param>
    /// <param name="images">The images, from which those of findings are read once more.</param>
    public static void Write(string path, string title, DataCheckResult result, IEnumerable<CheckedImage> images)
    {
        var shown = result.Findings.GroupBy(finding => finding.Kind).SelectMany(kind => kind.Take(MostFindings))
            .Select(finding => finding with { Images = [.. finding.Images.Take(MostImages)] }).ToList();
        var names = shown.SelectMany(finding => finding.Images).ToHashSet();
        var pictures = images.Where(image => names.Contains(FileFindings.Found(image))).Select(Picture).ToList();
        new Page("check.html", $"Data check of {title}").Write(path, new Contents
        {
            Checked = result with { Findings = shown },
            Kinds = result.Kinds,
            IsSerious = result.HasSerious,
            Pictures = pictures,
        }, DataCheckJson.Default.Contents);
    }

    private static ShownImage Picture(CheckedImage image) => new()
    {
        Name = image.Name,
        Part = image.Part,
        Image = image.TryRead(out _) is { } file && Thumbnail.TryCreate(file, Side, out var webP, out _) ? webP : null,
    };

    /// <summary>What the page's script gets.</summary>
    internal sealed record Contents
    {
        /// <summary>The result, with the findings that the page shows.</summary>
        public required DataCheckResult Checked { get; init; }

        /// <summary>How much of each kind there is in all.</summary>
        public required IReadOnlyList<DataKindSummary> Kinds { get; init; }

        /// <summary>Whether anything serious was found.</summary>
        public required bool IsSerious { get; init; }

        /// <summary>The pictures of the findings.</summary>
        public required IReadOnlyList<ShownImage> Pictures { get; init; }
    }

    /// <summary>A picture of the page.</summary>
    internal sealed record ShownImage
    {
        /// <summary>Its name.</summary>
        public required string Name { get; init; }

        /// <summary>Its part.</summary>
        public required string Part { get; init; }

        /// <summary>A WebP file; <see langword="null"/> where the image cannot be read.</summary>
        public byte[]? Image { get; init; }
    }
}
