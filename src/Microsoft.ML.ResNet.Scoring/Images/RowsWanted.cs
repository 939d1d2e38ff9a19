namespace Microsoft.ML.ResNet.Images;

/// <summary>
/// Which rows' images a reader is going to ask for, where several processes share them. A view that decodes ahead leaves the others alone.
/// </summary>
/// <remarks>
/// What a view makes of it changes no image and no row: one that is asked for all the same, because a filter behind the view has given rows
/// other numbers or a cache keeps all, is decoded then, and from there on all are decoded ahead. Nobody knows of an image that is not
/// decoded whether it can be read, so a view that leaves such images out decodes all.
/// </remarks>
/// <param name="isWanted">Whether a row, by its number in the view, is.</param>
internal sealed class RowsWanted(Func<long, bool> isWanted)
{
    [ThreadStatic]
    private static RowsWanted? _ofCursorsBeingOpened;

    private volatile bool _areAll;

    /// <summary>What the cursor that this thread is opening is for; <see langword="null"/> for all rows.</summary>
    public static RowsWanted? OfThisCursor => _ofCursorsBeingOpened;

    /// <summary>Whether a row's image will be asked for.</summary>
    public bool Contains(long row) => _areAll || isWanted(row);

    /// <summary>Decodes no longer by number: somebody has asked for the image of another row.</summary>
    public void BecomeAll() => _areAll = true;

    /// <summary>Opens a cursor. Views are reached through ML.NET's transforms, which hand on columns and nothing else.</summary>
    public T Opening<T>(Func<T> open)
    {
        _ofCursorsBeingOpened = this;
        try
        {
            return open();
        }
        finally
        {
            _ofCursorsBeingOpened = null;
        }
    }
}
