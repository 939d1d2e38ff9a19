namespace Microsoft.ML.ResNet.Images.Columns;

/// <summary>
/// Opens a view for one reader. Behind a transform that adds a column, <see cref="IDataView.GetRowCursor"/> splits the rows among threads
/// and joins them again, in batches of hundreds of rows that are all in memory: with files of a MiB, gigabytes.
/// </summary>
internal static class SingleCursor
{
    /// <summary>Opens the only cursor of a set of one.</summary>
    public static DataViewRowCursor Open(IDataView data, IEnumerable<DataViewSchema.Column> columns)
        => data.GetRowCursorSet(columns, n: 1).Single();
}
