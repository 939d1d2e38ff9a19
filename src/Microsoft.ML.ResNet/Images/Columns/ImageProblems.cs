namespace Microsoft.ML.ResNet.Images.Columns;

/// <summary>Counts images that could not be read, and keeps the first reasons for a message.</summary>
internal sealed class ImageProblems
{
    private const int MostReasons = 3;

    private readonly List<string> _first = [];

    /// <summary>How many there were.</summary>
    public long Count { get; private set; }

    /// <summary>Counts one.</summary>
    /// <param name="row">Its row, from 0.</param>
    /// <param name="problem">Why it could not be read: expected and found.</param>
    public void Add(long row, string problem)
    {
        if (Count++ < MostReasons)
            _first.Add($"row {row}: {problem}");
    }

    /// <summary>The first reasons, as <c>row 3: expected ..., found ...; row 7: ...; and 12 more</c>. Rows count from 0.</summary>
    public override string ToString()
        => string.Join("; ", _first) + (Count > _first.Count ? $"; and {Count - _first.Count} more" : "");
}
