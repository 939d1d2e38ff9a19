namespace Microsoft.ML.ResNet.Reports.DataCheck;

/// <summary>What is to be said about images that are there more than once.</summary>
internal static class DuplicateFindings
{
    /// <summary>Groups of files of the same bytes.</summary>
    public static IEnumerable<DataFinding> Exact(CheckedImage[] images, ImageLook[] looks)
        => from image in images.Zip(looks)
           group image.First by image.Second.FileHash into same
           where same.Skip(1).Any()
           select Finding(DataFindingKind.ExactDuplicate, [.. same], score: null, $"{same.Count()} files of the same bytes");

    /// <summary>Pairs of near-duplicates: for each image the one in each part that agrees best, the most alike first.</summary>
    public static IEnumerable<DataFinding> Near(CheckedImage[] images, IReadOnlyList<(int First, int Second, float Agreement)> pairs)
    {
        var hasPartner = new HashSet<(int Image, string Part)>();
        foreach (var (first, second, agreement) in pairs.OrderByDescending(pair => pair.Agreement))
        {
            var isBestOfFirst = hasPartner.Add((first, images[second].Part));
            if (hasPartner.Add((second, images[first].Part)) || isBestOfFirst)
                yield return Finding(DataFindingKind.NearDuplicate, [images[first], images[second]], Math.Round(agreement, 3),
                    FormattableString.Invariant($"Laid over one another, their details agree by {agreement:f2}"));
        }
    }

    private static DataFinding Finding(DataFindingKind kind, CheckedImage[] images, double? score, string seen)
    {
        var crossesParts = images.DistinctBy(image => image.Part).Skip(1).Any();
        var labels = images.Select(image => image.Label).Distinct().ToList();
        return new()
        {
            Kind = kind,
            IsSerious = crossesParts || labels.Count > 1,
            CrossesParts = crossesParts,
            CrossesLabels = labels.Count > 1,
            Score = score,
            Explanation = seen + (crossesParts ? $", in {string.Join(" and ", images.Select(image => image.Part).Distinct())}" : "")
                + (labels.Count > 1 ? $", labelled {string.Join(" and ", labels.Select(label => $"'{label}'"))}" : "") + ".",
            Images = [.. images.Select(FileFindings.Found)],
        };
    }
}
