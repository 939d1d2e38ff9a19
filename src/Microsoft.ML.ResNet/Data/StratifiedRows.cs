using Microsoft.ML.ResNet.Foundation;

namespace Microsoft.ML.ResNet.Data;

/// <summary>
/// Chooses rows to hold out of training, the same part of every class. Pure: the same labels, fraction and seed give the same rows.
/// </summary>
internal static class StratifiedRows
{
    private const int Stream = -1; // of the seed; those from 0 are the epochs'

    /// <summary>Divides rows into those to learn from and those to hold out. Both come in the order of the rows.</summary>
    /// <param name="labels">The class of each row, from 0.</param>
    /// <param name="fraction">
    /// The part of each class to hold out, in (0, 1). A class of at least two rows gives one at least and keeps one at least; a single row
    /// is kept.
    /// </param>
    /// <param name="seed">Decides which rows.</param>
    public static (long[] Train, long[] Held) Split(IReadOnlyList<long> labels, double fraction, int seed)
    {
        var isHeld = new bool[labels.Count];
        foreach (var sameClass in Enumerable.Range(0, labels.Count).GroupBy(row => labels[row]))
        {
            var rows = sameClass.ToArray();
            new Random(Seeds.Derive(seed, Stream, (int)sameClass.Key)).Shuffle(rows);
            foreach (var row in rows.AsSpan(0, HeldOf(rows.Length, fraction)))
                isHeld[row] = true;
        }
        return (Rows(isHeld, held: false), Rows(isHeld, held: true));
    }

    private static int HeldOf(int rows, double fraction)
        => rows < 2 ? 0 : (int)Math.Clamp(Math.Round(fraction * rows, MidpointRounding.AwayFromZero), 1, rows - 1);

    private static long[] Rows(bool[] isHeld, bool held)
        => [.. Enumerable.Range(0, isHeld.Length).Where(row => isHeld[row] == held).Select(row => (long)row)];
}
