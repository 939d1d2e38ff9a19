using System.Diagnostics.CodeAnalysis;

namespace Microsoft.ML.ResNet.Images;

/// <summary>
/// Finds what really went wrong in a source. ML.NET reads many views on worker threads and reports their exceptions inside its own ("Splitter/consolidator
/// worker encountered exception"), whose text helps nobody.
/// </summary>
internal static class SourceErrors
{
    /// <summary>Whether an exception only wraps a broken file, or a cancellation.</summary>
    /// <param name="exception">What a cursor threw.</param>
    /// <param name="cause">The exception inside.</param>
    public static bool IsWrapped(InvalidOperationException exception, [NotNullWhen(true)] out Exception? cause)
    {
        cause = exception.InnerException;
        while (cause is not (null or InvalidDataException or OperationCanceledException))
            cause = cause.InnerException;
        return cause is not null;
    }
}
