using Microsoft.ML.Data;

namespace Microsoft.ML.ResNet.Tests.Support;

[TestClass]
public sealed class ViewWorkoutTests
{
    private readonly MLContext _ml = new(seed: 1);

    private sealed record Sample(float Number, string Text, [property: VectorType(2, 2, 3)] byte[] Pixels,
        [property: VectorType] double[] Any);

    private IDataView Samples => Some(9);

    private IDataView Some(int rows) => _ml.Data.LoadFromEnumerable(Enumerable.Range(0, rows).Select(i =>
        new Sample(i, $"row {i}", [.. Enumerable.Range(i, 12).Select(value => (byte)value)], new double[i % 3])).ToArray());

    private IDataView Cached => _ml.Data.Cache(Samples);

    private IDataView Images
        => _ml.Transforms.ConvertToImage(2, 2, "Image", "Pixels", interleavedColors: true).Fit(Samples).Transform(Samples);

    private IDataView OnlyImages(byte brightest)
    {
        var data = _ml.Data.LoadFromEnumerable(new[] { new Sample(1, "one", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, brightest], []) });
        return _ml.Transforms.ConvertToImage(2, 2, "Image", "Pixels", interleavedColors: true).Append(_ml.Transforms.SelectColumns("Image"))
            .Fit(data).Transform(data);
    }

    [TestMethod]
    public void Rows_in_memory_pass() => ViewWorkout.Run(Samples);

    [TestMethod]
    public void A_cache_passes_with_its_rows_spread_over_four_cursors()
    {
        var cache = _ml.Data.Cache(Some(1000));
        ViewWorkout.Run(cache);
        var cursors = cache.GetRowCursorSet(cache.Schema, 4);
        Assert.HasCount(4, cursors);
        foreach (var cursor in cursors)
        {
            Assert.IsTrue(cursor.MoveNext());
            cursor.Dispose();
        }
    }

    [TestMethod]
    public void A_row_mapper_over_a_cache_passes() =>
        ViewWorkout.Run(_ml.Transforms.NormalizeMinMax("Number").Append(_ml.Transforms.Concatenate("Pair", "Number", "Number")).Fit(Samples)
            .Transform(Cached));

    [TestMethod]
    public void A_shuffled_view_passes() => ViewWorkout.Run(_ml.Data.ShuffleRows(Cached, seed: 1, shufflePoolSize: 4));

    [TestMethod]
    public void Images_pass() => ViewWorkout.Run(Images);

    [TestMethod]
    public void A_view_without_rows_passes() => ViewWorkout.Run(_ml.Data.LoadFromEnumerable(Array.Empty<Sample>()));

    [TestMethod]
    public void A_row_that_a_cursor_set_repeats_is_caught() =>
        Caught("cursor set of 1", new DistortedView(Samples) { CursorSet = cursors => [.. cursors, Samples.GetRowCursor(Samples.Schema)] });

    [TestMethod]
    public void A_row_that_a_cursor_set_loses_is_caught() =>
        Caught("cursor set of 1", new DistortedView(Samples) { CursorSet = cursors => Array.ConvertAll(cursors, Bend(Skip)) });

    [TestMethod]
    public void A_cursor_that_cannot_be_disposed_before_its_first_row_is_caught() =>
        Caught("cursor disposed after 0 rows", Bent(cursor =>
        {
            var moved = false;
            return new(cursor) { Moving = move => (moved = true) && move(), Disposing = () => Assert.IsTrue(moved) };
        }));

    [TestMethod]
    public void A_cursor_that_cannot_be_disposed_midway_is_caught() =>
        Caught("cursor disposed after 4 rows",
            Bent(cursor => new(cursor) { Disposing = () => Assert.AreNotEqual(3, cursor.Position, "still at it") }));

    [TestMethod]
    public void A_cursor_that_hangs_when_it_is_disposed_is_caught()
    {
        using var released = new ManualResetEventSlim();
        Caught("still running after 0.1 s",
            Bent(cursor => new(
            cursor)
            { Disposing = () => Assert.IsTrue(cursor.Position != 0 || released.Wait(TimeSpan.FromSeconds(30))) }),
            view => ViewWorkout.CursorsMayBeDisposedEarly(view, TimeSpan.FromSeconds(0.1)));
        released.Set();
    }

    [TestMethod]
    public void Cursors_that_share_a_buffer_are_caught()
    {
        var shared = 0f;
        Caught("interleaved",
            Bent(cursor => new(cursor) { Moving = move => move() && (shared = cursor.Position) >= 0, Floats = _ => shared }),
            ViewWorkout.InterleavedCursorsDoNotDisturbEachOther);
    }

    [TestMethod]
    public void A_getter_of_an_inactive_column_is_caught() =>
        Caught("inactive column 'Number'",
            Bent(cursor => new(cursor)
            {
                GetterAsked = (column, _) => { if (!cursor.IsColumnActive(column)) throw new NotSupportedException("wrong exception"); }
            }));

    [TestMethod]
    public void A_getter_of_a_wrong_type_is_caught() =>
        Caught("with a wrong type",
            Bent(cursor => new(
            cursor)
            { GetterAsked = (_, type) => { if (type.Name == "Alien") throw new InvalidCastException("wrong exception"); } }));

    [TestMethod]
    public void A_view_that_shuffles_and_denies_it_is_caught()
        => Caught("cannot shuffle", new DistortedView(Cached) { ClaimsToShuffle = false });

    [TestMethod]
    public void A_shuffled_cursor_with_other_values_is_caught() => Caught("shuffled cursor", new DistortedView(Cached)
    {
        Cursor = (cursor, _, random) => random is null ? cursor : new DistortedCursor(cursor) { Floats = value => value + 1 },
    });

    [TestMethod]
    public void A_wrong_row_count_is_caught() => Caught("GetRowCount", new DistortedView(Samples) { RowCount = 10 });

    [TestMethod]
    public void Values_that_depend_on_the_active_columns_are_caught_by_the_comparison()
    {
        var view = Samples;
        var broken = new DistortedView(view)
        {
            Cursor = (cursor, columns, _)
                => columns.Count() == view.Schema.Count ? cursor : new DistortedCursor(cursor) { Floats = value => value + 1 },
        };
        var failure = Assert.ThrowsExactly<AssertFailedException>(() => ViewComparison.AssertSameRows(view, broken, "broken"));
        Assert.Contains("even columns active", failure.Message, failure.Message);
    }

    [TestMethod]
    public void Images_that_differ_in_one_pixel_are_caught_by_the_comparison()
    {
        var failure =
            Assert.ThrowsExactly<AssertFailedException>(
            () => ViewComparison.AssertSameRows(OnlyImages(brightest: 11), OnlyImages(brightest: 12), "images"));
        Assert.Contains("column 'Image' of row", failure.Message, failure.Message);
    }

    private DistortedView Bent(Func<DataViewRowCursor, DistortedCursor> bend) => new(Samples) { Cursor = (cursor, _, _) => bend(cursor) };

    private static Converter<DataViewRowCursor, DataViewRowCursor> Bend(Func<Func<bool>, bool> moving)
        => cursor => new DistortedCursor(cursor) { Moving = moving };

    private static bool Skip(Func<bool> move) => move() && move();

    private static void Caught(string check, IDataView broken, Action<IDataView>? workout = null)
    {
        var failure = Assert.ThrowsExactly<AssertFailedException>(() => (workout ?? ViewWorkout.Run)(broken));
        Assert.Contains(check, failure.Message, failure.Message);
    }
}
