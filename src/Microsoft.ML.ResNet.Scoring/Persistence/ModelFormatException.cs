namespace Microsoft.ML.ResNet;

/// <summary>
/// A model file that cannot be read: damaged, cut short, written by a newer version, or not a model at all. The message says which
/// part, what was expected and what was found.
/// </summary>
public sealed class ModelFormatException : FormatException
{
    /// <summary>Makes an exception with a general message.</summary>
    public ModelFormatException() : this("The model file cannot be read.")
    {
    }

    /// <summary>Makes an exception.</summary>
    /// <param name="message">Which part, expected, found.</param>
    public ModelFormatException(string message) : base(message)
    {
    }

    /// <summary>Makes an exception with a cause.</summary>
    /// <param name="message">Which part, expected, found.</param>
    /// <param name="innerException">What went wrong underneath.</param>
    public ModelFormatException(string message, Exception innerException) : base(message, innerException)
    {
    }
}
