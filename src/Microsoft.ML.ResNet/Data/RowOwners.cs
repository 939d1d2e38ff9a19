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

    /// <summary>Who keeps a row.</summary>
    public int RankOf(long row) => _ranks[row];

    /// <summary>Those of some rows that a process keeps, by their places among all that it keeps.</summary>
    public ArraySegment<long> PlacesAt(int rank, ArraySegment<long> rows)
        => rows.Where(row => _ranks[row] == rank).Select(row => (long)_places[row]).ToArray();
}
