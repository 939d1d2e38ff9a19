namespace Microsoft.ML.ResNet.Tests.Support;

/// <summary>Compares the rows of two views under several choices of active columns.</summary>
internal static class ViewComparison
{
    /// <summary>
    /// Fails unless both views, of one schema, yield the same rows with the same ids, whichever columns are active. Reads
    /// <paramref name="expected"/> 5 times and <paramref name="actual"/> 3 + 2 x columns times: keep the views tiny.
    /// </summary>
    public static void AssertSameRows(IDataView expected, IDataView actual, string what)
    {
        AssertDistinctIds(actual, what);
        Compare("all columns active", RowReader.Open(actual));
        Compare("even columns active", RowReader.Open(actual, active: column => column.Index % 2 == 0));
        Compare("odd columns active", RowReader.Open(actual, active: column => column.Index % 2 != 0));
        Compare("one cursor per column, all columns active",
            OnePerColumn(one => RowReader.Open(actual, read: column => column.Index == one)));
        Compare("one cursor per column, only this column active",
            OnePerColumn(one => RowReader.Open(actual, active: column => column.Index == one)));

        RowReader[] OnePerColumn(Func<int, RowReader> open) => [.. actual.Schema.Select(column => open(column.Index))];

        void Compare(string choice, params RowReader[] readers)
        {
            try
            {
                using var reference = RowReader.Open(expected);
                InStep(reference, readers, expected.Schema, $"{what}, {choice}");
            }
            finally
            {
                Array.ForEach(readers, reader => reader.Dispose());
            }
        }
    }

    /// <summary>Moves all readers together: the views' cursors are alive at the same time, as in a real pipeline.</summary>
    private static void InStep(RowReader reference, RowReader[] readers, DataViewSchema schema, string what)
    {
        for (var row = 0; ; row++)
        {
            var expected = reference.Read();
            foreach (var reader in readers)
            {
                var actual = reader.Read();
                if ((expected is null) != (actual is null))
                    Assert.Fail($"{what}: {(expected is null ? "there are more" : "there are fewer")} rows than the expected view has; "
                        + $"they part after {row}.");
                if (expected is not null)
                    CellComparison.AssertSame(expected, actual!, schema, what);
            }
            if (expected is null)
                return;
        }
    }

    private static void AssertDistinctIds(IDataView view, string what)
    {
        using var reader = RowReader.Open(view, active: _ => false);
        var rows = reader.ReadRest();
        Assert.HasCount(rows.Count, rows.DistinctBy(row => row.Id), $"{what}: row ids are distinct");
    }
}
