namespace Microsoft.ML.ResNet.Data;

/// <summary>Rows that several processes take together, and which of them wants which.</summary>
/// <param name="Rows">All rows, in the order of the batch.</param>
/// <param name="Places">For each process the places of its rows in <paramref name="Rows"/>, in ascending order.</param>
/// <param name="Rank">Which process this is.</param>
internal sealed record RowShares(ArraySegment<long> Rows, IReadOnlyList<int[]> Places, int Rank)
{
    /// <summary>The places of this process's rows.</summary>
    public int[] Own => Places[Rank];

    /// <summary>This process's rows.</summary>
    public ArraySegment<long> OwnRows => Array.ConvertAll(Own, place => Rows[place]);

    /// <summary>The same shares of other rows.</summary>
    public RowShares Of(ArraySegment<long> rows) => this with { Rows = rows };

    /// <summary>Shares of consecutive rows.</summary>
    /// <param name="first">The first row.</param>
    /// <param name="counts">For each process, how many are its own; in the order of processes they are all.</param>
    /// <param name="rank">Which process this is.</param>
    public static RowShares InTurn(int first, IEnumerable<int> counts, int rank)
    {
        var place = 0;
        int[][] places = [.. counts.Select(Next)];
        return new RowShares(Enumerable.Range(first, place).Select(row => (long)row).ToArray(), places, rank);

        int[] Next(int count)
        {
            place += count;
            return [.. Enumerable.Range(place - count, count)];
        }
    }
}
