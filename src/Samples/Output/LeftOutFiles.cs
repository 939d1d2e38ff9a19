namespace Samples.Output;

/// <summary>Counts the image files that are left out, and names the first of them.</summary>
internal sealed class LeftOutFiles(Display display)
{
    private const int MostNamed = 20; // a broken disk has thousands

    /// <summary>How many there are so far.</summary>
    public int Count { get; private set; }

    /// <summary>Takes a file into the count.</summary>
    /// <param name="message">The file, and why it cannot be read.</param>
    public void Add(string message)
    {
        Count++;
        if (Count <= MostNamed)
            display.LineAboveBars($"Left out: {message}");
        else if (Count == MostNamed + 1)
            display.LineAboveBars("Left out: more, which are counted at the end.");
    }

    /// <summary>Takes files into the count of which only the first are known by name.</summary>
    public void Add(int count, IReadOnlyList<string> first)
    {
        foreach (var message in first)
            Add(message);
        if (count > first.Count)
        {
            display.LineAboveBars($"Left out: {count - first.Count} more.");
            Count += count - first.Count;
        }
    }

    /// <summary>Says how many there were, if there were any.</summary>
    public void Conclude() => Conclude(display, Count);

    /// <summary>Says how many there were, if there were any.</summary>
    public static void Conclude(Display display, long count)
    {
        if (count > 0)
            display.Line($"Left out because they cannot be read: {count} image files.");
    }
}
