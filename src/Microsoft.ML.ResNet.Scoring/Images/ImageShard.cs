namespace Microsoft.ML.ResNet;

/// <summary>
/// One of some parts of a data set, so that as many processes or machines can share its images: contiguous ranges of rows, in order, whose
/// lengths differ by one at most. The images of other parts are neither read nor decoded.
/// </summary>
/// <remarks>
/// The rows of parts 0, 1, ... one after the other are the rows of the whole. Where there are more parts than rows, some are empty.
/// </remarks>
public sealed record ImageShard
{
    /// <summary>Names a part.</summary>
    /// <param name="index">Which: from 0 to one less than <paramref name="count"/>.</param>
    /// <param name="count">How many parts there are; at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such part.</exception>
    public ImageShard(int index, int count)
    {
        if (count < 1)
            throw new ArgumentOutOfRangeException(nameof(count), count, "The number of parts must be at least 1.");
        if (index < 0 || index >= count)
            throw new ArgumentOutOfRangeException(nameof(index), index, $"Parts are counted from 0: expected 0 to {count - 1}.");
        (Index, Count) = (index, count);
    }

    /// <summary>Which part: from 0 to one less than <see cref="Count"/>.</summary>
    public int Index { get; }

    /// <summary>How many parts there are; at least 1.</summary>
    public int Count { get; }

    /// <summary>The rows of this part.</summary>
    /// <param name="rows">How many rows the whole has; at least 0.</param>
    /// <returns>The first, from 0, and the one behind the last; the same where the part is empty.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The number is negative.</exception>
    public (long First, long End) RangeOf(long rows)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        return ((long)((Int128)rows * Index / Count), (long)((Int128)rows * (Index + 1L) / Count));
    }

    /// <summary>As in <c>3/16</c>.</summary>
    public override string ToString() => FormattableString.Invariant($"{Index}/{Count}");
}
