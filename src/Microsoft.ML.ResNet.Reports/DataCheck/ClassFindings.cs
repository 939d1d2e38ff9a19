namespace Microsoft.ML.ResNet.Reports.DataCheck;

/// <summary>What is to be said about classes.</summary>
internal static class ClassFindings
{
    /// <summary>Classes that one part has and another lacks. The first part is what is learnt from.</summary>
    public static IEnumerable<DataFinding> Missing(IReadOnlyList<DataPartSummary> parts)
        => from label in parts.SelectMany(part => part.Classes.Keys).Distinct().Order(StringComparer.Ordinal)
           from part in parts
           where !part.Classes.ContainsKey(label)
           let others = string.Join(", ", parts.Where(other => other.Classes.ContainsKey(label)).Select(other => other.Name))
           select new DataFinding
           {
               Kind = DataFindingKind.MissingClass,
               IsSerious = part == parts[0],
               CrossesParts = true,
               Explanation = $"The class '{label}' has images in {others} and none in {part.Name}.",
           };

    /// <summary>Classes of few images, and of many fewer than the largest.</summary>
    public static IEnumerable<DataFinding> Few(DataPartSummary train, DataCheckOptions options)
    {
        var (largest, most) = train.Classes.MaxBy(label => label.Value);
        return from label in train.Classes
               where label.Value < options.FewImages || label.Value * options.LargestImbalance < most
               select new DataFinding
               {
                   Kind = DataFindingKind.FewImages,
                   Score = label.Value,
                   Explanation = FormattableString.Invariant(
                       $"The class '{label.Key}' has {label.Value} images in {train.Name}; the largest, '{largest}', has {most}."),
               };
    }
}
