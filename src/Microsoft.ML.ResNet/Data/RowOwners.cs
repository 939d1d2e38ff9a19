namespace Microsoft.ML.ResNet.Data;

/// <summary>Which of several processes keeps which row, and where: each has its rows in the order of all.</summary>
internal sealed class RowOwners
{
    private readonly int[] _ranks, _places;

    /// <param name="ranks">For each row, who keeps it.</param>
    public RowOwners(int[] ranks)
    {
        (_ranks, _places) = (ranks, new int[ranks.Length]);
        var kept = new Dictionary<int, int>();
        for (var row = 0; row < ranks.Length; row++)
        {
            _places[row] = kept.GetValueOrDefault(ranks[row]);
            kept[ranks[row]] = _places[row] + 1;
        }
    }

    /// <summary>How many rows a process keeps.</summary>
    public int CountOf(int rank) => _ranks.Count(owner => owner == rank);

    /// <summary>The same for some of the rows, in an order of their own, each process keeping those in that order.</summary>
    public RowOwners Of(IReadOnlyList<long> rows) => new([.. rows.Select(row => _ranks[row])]);

    /// <summary>Shares by which every process wants what it keeps.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="size">How many processes there are.</param>
    /// <param name="rank">Which one this is.</param>
    public RowShares Shares(ArraySegment<long> rows, int size, int rank)
    {
        var places = Enumerable.Range(0, rows.Count).ToLookup(place => _ranks[rows[place]]);
        return new RowShares(rows, [.. Enumerable.Range(0, size).Select(owner => places[owner].ToArray())], rank);
    }

    /// <summary>Who keeps a row.</summary>
    public int RankOf(long row) => _ranks[row];

    /// <summary>Those of some rows that a process keeps, by their places among all that it keeps.</summary>
    public ArraySegment<long> PlacesAt(int rank, ArraySegment<long> rows)
        => rows.Where(row => _ranks[row] == rank).Select(row => (long)_places[row]).ToArray();
}
