using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.ML.ResNet;

namespace Samples.CommandLine;

/// <summary>Errors that the user can do something about: the message says it all, a stack trace would hide it.</summary>
internal static partial class ExpectedErrors
{
    /// <summary>
    /// Whether the library and .NET throw this for files, options and data that do not fit, or for want of memory. Anything else is a bug,
    /// and shows its stack trace.
    /// </summary>
    public static bool Explains(Exception exception) =>
        Cause(exception) is IOException or InvalidDataException or UnauthorizedAccessException or FormatException or ModelFormatException
            or ArgumentException or OutOfMemoryException or InvalidOperationException and not ObjectDisposedException;

    /// <summary>
    /// The message in the words of the command line, without line breaks and without the name of the parameter that carried the value.
    /// </summary>
    public static string OneLine(Exception exception)
        => Vocabulary.Translate(ParameterNote().Replace(Cause(exception).Message, "").ReplaceLineEndings(" ")).Trim();

    /// <summary>
    /// What happened, without the wrappers in which ML.NET hands over what its reflection and its worker threads have met.
    /// </summary>
    public static Exception Cause(Exception exception)
    {
        while (exception.InnerException is { } inner
            && (exception is TargetInvocationException or AggregateException
                || exception.Message.StartsWith("Splitter/consolidator", StringComparison.Ordinal)))
            exception = inner;
        return exception;
    }

    [GeneratedRegex(@" \(Parameter '[^']*'\)")]
    private static partial Regex ParameterNote();
}
