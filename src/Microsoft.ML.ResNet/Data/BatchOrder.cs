using Microsoft.ML.ResNet.Foundation;

namespace Microsoft.ML.ResNet.Data;

/// <summary>
/// The order in which an epoch visits the rows: a fresh seeded permutation each epoch, cut into batches. Pure: the same seed and
/// epoch give the same batches.
/// </summary>
internal static class BatchOrder
{
    /// <summary>The batches of one epoch; together they hold every row once.</summary>
    /// <param name="rows">How many rows there are.</param>
    /// <param name="batchSize">
    /// Rows in a batch. The last may hold fewer, or one more: a batch of one row has no variance to normalise by.
    /// </param>
    /// <param name="seed">The seed of the whole training.</param>
    /// <param name="epoch">Which epoch, from 0.</param>
    public static IEnumerable<ArraySegment<long>> Shuffled(int rows, int batchSize, int seed, int epoch)
    {
        var order = new long[rows];
        for (var row = 0; row < rows; row++)
            order[row] = row;
        new Random(Seeds.Derive(seed, epoch)).Shuffle(order);
        return Pieces(rows, batchSize).Select(piece => new ArraySegment<long>(order, piece.First, piece.Count));
    }

    /// <summary>How many batches <see cref="Shuffled"/> makes.</summary>
    public static int Count(int rows, int batchSize)
        => rows <= batchSize ? 1 : (rows / batchSize) + (rows % batchSize > 1 ? 1 : 0);

    /// <summary>
    /// Cuts a number of rows into consecutive pieces of one size; the last may hold fewer, or one more, so that none holds a single row.
    /// </summary>
    public static IEnumerable<(int First, int Count)> Pieces(int rows, int size)
    {
        for (var first = 0; first < rows;)
        {
            var left = rows - first;
            var count = left == size + 1 ? left : Math.Min(size, left);
            yield return (first, count);
            first += count;
        }
    }
}
