using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;

namespace Microsoft.ML.ResNet.Images.Columns;

/// <summary>
/// Finds what really went wrong in a source. ML.NET reads many views on worker threads and reports their exceptions inside its own
/// ("Splitter/consolidator worker encountered exception"), whose text helps nobody.
/// </summary>
internal static class SourceErrors
{
    /// <summary>Moves a cursor to its next row.</summary>
    /// <returns>Whether there is one.</returns>
    /// <remarks>
    /// A broken or missing file and a cancellation come as they were thrown, whichever thread they were thrown on; all else comes as ML.NET
    /// reports it.
    /// </remarks>
    public static bool MoveNext(DataViewRowCursor cursor)
    {
        try
        {
            return cursor.MoveNext();
        }
        catch (InvalidOperationException e) when (IsWrapped(e, out var cause))
        {
            ExceptionDispatchInfo.Throw(cause);
            throw; // for the compiler
        }
    }

    private static bool IsWrapped(InvalidOperationException exception, [NotNullWhen(true)] out Exception? cause)
    {
        cause = exception.InnerException;
        while (cause is not (null or InvalidDataException or OperationCanceledException or IOException or UnauthorizedAccessException))
            cause = cause.InnerException;
        return cause is not null;
    }
}
