using Microsoft.ML.ResNet.Images.Columns;

namespace Microsoft.ML.ResNet.Data;

/// <summary>Counts of rows that cannot be used.</summary>
internal sealed class UnusableRows
{
    /// <summary>Rows whose label is missing.</summary>
    public long MissingLabels { get; set; }

    /// <summary>Rows whose image is missing or cannot be read.</summary>
    public ImageProblems UnreadableImages { get; } = new();

    /// <summary>Rows whose weight is 0, negative or not a number.</summary>
    public long UnusableWeights { get; set; }

    /// <summary>One sentence for each kind that occurs.</summary>
    public IEnumerable<string> Describe()
    {
        if (MissingLabels > 0)
            yield return $"{MissingLabels} rows have a missing label.";
        if (UnreadableImages.Count > 0)
            yield return $"{UnreadableImages.Count} rows have an image that is missing or cannot be read ({UnreadableImages}).";
        if (UnusableWeights > 0)
            yield return $"{UnusableWeights} rows have a weight that is not above 0.";
    }
}
