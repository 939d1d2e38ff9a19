using Microsoft.ML.Data;

namespace Microsoft.ML.ResNet.Tests.Support;

/// <summary>
/// Holds a view to the contract of <see cref="IDataView"/>, beyond what <see cref="ViewComparison"/> reads: cursor sets, early disposal,
/// interleaved cursors, wrong requests for getters, shuffling and the row count. Reads the view about 20 times.
/// </summary>
internal static class ViewWorkout
{
    /// <summary>A type that no column has.</summary>
    private struct Alien;

    /// <summary>Runs every check of this class.</summary>
    /// <exception cref="AssertFailedException">A check failed; the message names it.</exception>
    public static void Run(IDataView view)
    {
        RowCountIsTrue(view);
        foreach (var cursors in new[] { 1, 2, 4 })
            CursorSetHasTheSameRows(view, cursors);
        CursorsMayBeDisposedEarly(view);
        InterleavedCursorsDoNotDisturbEachOther(view);
        WrongGettersAreRefused(view);
        RandomOnlyReorders(view);
    }

    /// <summary>
    /// The cursors of a set together yield the rows of the single cursor, each once, and their batch numbers put the rows
    /// back in order. Every cursor is read on a thread of its own, as ML.NET does: a set may be fed in lockstep.
    /// </summary>
    /// <param name="view">The view.</param>
    /// <param name="cursors">How many cursors to ask for; the view may answer with another number.</param>
    /// <param name="patience">After this long the cursors count as hanging; a minute if null.</param>
    public static void CursorSetHasTheSameRows(IDataView view, int cursors, TimeSpan? patience = null)
    {
        var what = $"cursor set of {cursors}";
        var readers = Array.ConvertAll(view.GetRowCursorSet(view.Schema, cursors), cursor => new RowReader(cursor));
        try
        {
            var work = Array.ConvertAll(readers, reader => OnItsOwnThread(reader.ReadRest));
            InTime(what, patience, () => Task.WaitAll(work));
            var parts = Array.ConvertAll(work, part => part.Result);
            var batches = parts.SelectMany(part => part.Select(row => row.Batch).Distinct()).ToArray();
            Assert.HasCount(batches.Length, batches.Distinct(), $"{what}: a batch number appears in one cursor only");
            CellComparison.AssertSame(RowReader.ReadAll(view), [.. parts.SelectMany(part => part).OrderBy(row => row.Batch)], view.Schema,
                $"{what}, ordered by batch");
        }
        finally
        {
            Array.ForEach(readers, reader => reader.Dispose());
        }
    }

    /// <summary>A cursor, or a set of cursors, may be disposed before the first row, after one, and midway, and twice.</summary>
    /// <param name="view">The view.</param>
    /// <param name="patience">After this long a disposal counts as hanging; a minute if null.</param>
    public static void CursorsMayBeDisposedEarly(IDataView view, TimeSpan? patience = null)
    {
        var count = RowReader.ReadAll(view).Count;
        foreach (var rows in new[] { 0, 1, count / 2 })
        {
            InTime($"cursor disposed after {rows} rows", patience, () => ReadAndDispose(view.GetRowCursor(view.Schema), rows));
            InTime($"cursor set disposed after {rows} rows of its first cursor", patience,
                () => ReadAndDispose(view.GetRowCursorSet(view.Schema, 4), rows));
        }
    }

    /// <summary>
    /// Two cursors, one of them a row ahead and both moved before either is read, read what one alone reads; so does a third
    /// cursor in the way, left after its first row.
    /// </summary>
    public static void InterleavedCursorsDoNotDisturbEachOther(IDataView view)
    {
        var alone = RowReader.ReadAll(view);
        using RowReader ahead = RowReader.Open(view), behind = RowReader.Open(view), abandoned = RowReader.Open(view);
        abandoned.Read();
        List<RowCopy> first = [], second = [];
        var more = ahead.Move();
        while (more)
        {
            first.Add(ahead.Copy());
            var moved = behind.Move();
            more = ahead.Move();
            if (moved)
                second.Add(behind.Copy());
        }
        CellComparison.AssertSame(alone, first, view.Schema, "interleaved cursors, the one ahead");
        CellComparison.AssertSame(alone, second, view.Schema, "interleaved cursors, the one behind");
    }

    /// <summary>Asking for the getter of a column that is not active, or with a type that the column does not have, throws.</summary>
    public static void WrongGettersAreRefused(IDataView view)
    {
        using var none = view.GetRowCursor([]);
        using var all = view.GetRowCursor(view.Schema);
        foreach (var column in view.Schema)
        {
            Assert.IsFalse(none.IsColumnActive(column), $"Column '{column.Name}' was not asked for but is active.");
            Refuses($"getter of the inactive column '{column.Name}'", () => CellReader.Create(none, column));
            Refuses($"getter of column '{column.Name}' with a wrong type", () => all.GetGetter<Alien>(column));
            Refuses($"getter of column '{column.Name}' as a vector of a wrong type", () => all.GetGetter<VBuffer<Alien>>(column));
        }
    }

    /// <summary>A cursor with a <see cref="Random"/> yields the same rows: in the same order if the view says it cannot shuffle.</summary>
    public static void RandomOnlyReorders(IDataView view)
    {
        var (plain, random) = (RowReader.ReadAll(view), RowReader.ReadAll(view, new Random(7)));
        if (view.CanShuffle)
            (plain, random) = (ById(plain), ById(random));
        CellComparison.AssertSame(plain, random, view.Schema, view.CanShuffle
            ? "shuffled cursor, by id"
            : "cursor with a Random of a view that cannot shuffle");

        static List<RowCopy> ById(List<RowCopy> rows) => [.. rows.OrderBy(row => row.Id.High).ThenBy(row => row.Id.Low)];
    }

    /// <summary>The row count, where it is known, is the number of rows.</summary>
    public static void RowCountIsTrue(IDataView view)
    {
        if (view.GetRowCount() is { } count)
            Assert.AreEqual(count, RowReader.ReadAll(view).Count, "GetRowCount against the rows found");
    }

    private static void ReadAndDispose(DataViewRowCursor cursor, int rows) => ReadAndDispose([cursor], rows);

    private static void ReadAndDispose(DataViewRowCursor[] cursors, int rows)
    {
        var readers = Array.ConvertAll(cursors, cursor => new RowReader(cursor));
        for (var row = 0; row < rows && readers[0].Read() is not null; row++)
        {
        }
        Array.ForEach(readers, reader => reader.Dispose());
        Array.ForEach(readers, reader => reader.Dispose());
    }

    private static void Refuses(string what, Action action)
    {
        try
        {
            action();
        }
        catch (Exception thrown) when (thrown is ArgumentException or InvalidOperationException and not ObjectDisposedException)
        {
            return;
        }
        catch (Exception thrown)
        {
            throw new AssertFailedException(
                $"{what}: expected ArgumentException or InvalidOperationException, got {thrown.GetType().Name}: {thrown.Message}", thrown);
        }
        Assert.Fail($"{what}: it was given out; expected ArgumentException or InvalidOperationException.");
    }

    private static void InTime(string what, TimeSpan? patience, Action action)
    {
        var limit = patience ?? TimeSpan.FromMinutes(1);
        var work = OnItsOwnThread<object?>(() =>
        {
            action();
            return null;
        });
        if (Task.WaitAny([work], limit) < 0)
            Assert.Fail($"{what}: still running after {limit.TotalSeconds:0.#} s.");
        if (work.Exception?.GetBaseException() is { } failure)
            throw new AssertFailedException($"{what}: {failure.GetType().Name}: {failure.Message}", failure);
    }

    private static Task<T> OnItsOwnThread<T>(Func<T> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
}
