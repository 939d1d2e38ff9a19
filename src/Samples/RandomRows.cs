using Microsoft.ML;

namespace Samples;

/// <summary>Takes some rows of a data set, for a quick try.</summary>
internal static class RandomRows
{
    /// <summary>
    /// Takes rows at random, in their order. <c>TakeRows</c> would not do: the rows of a folder are sorted by class, so the first thousand
    /// may all be aeroplanes. Every n-th row would not do either: where classes take turns, that can be one class again.
    /// </summary>
    /// <param name="mlContext">The environment.</param>
    /// <param name="data">The rows, with their class in <c>Label</c>; every pass must give the same order.</param>
    /// <param name="count">How many to take; all if there are no more.</param>
    /// <param name="seed">Decides which.</param>
    public static IDataView Take(MLContext mlContext, IDataView data, int count, int seed)
    {
        var isTaken = Choose((int)(data.GetRowCount() ?? CountRows(mlContext, data)), count, new Random(seed));
        return mlContext.Data.FilterByStatefulCustomPredicate<LabelOnly, Position>(data, (_, at) => !isTaken[at.Row++], at => at.Row = 0);
    }

    /// <summary>Knuth's algorithm S: each row is taken with the probability that fills the sample, given what is left.</summary>
    private static bool[] Choose(int rows, int count, Random random)
    {
        var isTaken = new bool[rows];
        for (var row = 0; row < rows; row++)
            if (random.Next(rows - row) < count)
            {
                isTaken[row] = true;
                count--;
            }
        return isTaken;
    }

    private static int CountRows(MLContext mlContext, IDataView data)
        => mlContext.Data.CreateEnumerable<LabelOnly>(data, reuseRowObject: true).Count();

    /// <summary>Where a cursor is.</summary>
    private sealed class Position
    {
        public int Row { get; set; }
    }
}
