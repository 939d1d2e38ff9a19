namespace Microsoft.ML.ResNet;

/// <summary>
/// A file with weights (safetensors, or PyTorch's <c>.pth</c>) is damaged, hostile, uses something this library does not read, or does not
/// fit the network. Weight files are untrusted input: this is the one exception any of them causes, and it comes before memory is taken for
/// what the file promises and does not hold. A file that cannot be opened at all is still an <see cref="IOException"/>.
/// </summary>
public sealed class WeightsFormatException : FormatException
{
    /// <summary>States what is wrong with a file.</summary>
    /// <param name="fileKind">What the file was read as, such as <c>safetensors file</c>.</param>
    /// <param name="place">Where: a byte, a tensor or an entry of the archive.</param>
    /// <param name="problem">What was expected there and what was found; a sentence without its full stop.</param>
    /// <param name="innerException">The error of the parser that noticed it, if another one did.</param>
    internal WeightsFormatException(string fileKind, string place, string problem, Exception? innerException = null)
        : base($"The {fileKind} cannot be read. At {place}: {problem}.", innerException)
    {
    }

    /// <summary>States why a file that can be read does not fit.</summary>
    /// <param name="message">The whole message.</param>
    internal WeightsFormatException(string message) : base(message)
    {
    }
}
