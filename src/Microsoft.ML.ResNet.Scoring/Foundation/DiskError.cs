namespace Microsoft.ML.ResNet.Foundation;

/// <summary>
/// Tells a disk that fails from bytes that are wrong. .NET's zip reader calls both damage, and what calls by reflection wraps whatever was
/// thrown; but a file is damaged only if its bytes are.
/// </summary>
internal static class DiskError
{
    private const int NotOfTheSystem = unchecked((int)0x80131620); // what .NET gives an IOException of its own making

    /// <summary>The error of the system that an exception stems from; <see langword="null"/> if there is none.</summary>
    public static IOException? Behind(Exception exception)
    {
        for (var cause = exception; cause is not null; cause = cause.InnerException)
            if (cause is IOException error and not (EndOfStreamException or FileNotFoundException or FileLoadException)
                && error.HResult != NotOfTheSystem)
                return error;
        return null;
    }
}
