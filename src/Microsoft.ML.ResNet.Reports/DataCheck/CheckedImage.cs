namespace Microsoft.ML.ResNet.Reports;

/// <summary>An image of a data set that is to be checked.</summary>
/// <param name="name">Its name, by which findings speak of it: a path, or a name in an archive.</param>
/// <param name="label">Its class.</param>
/// <param name="part">What it is there for, such as <c>train</c> or <c>validation</c>; the same text for all of a part.</param>
/// <param name="read">
/// Reads the encoded file (JPEG, PNG, WebP, GIF, BMP); called several times and from several threads. <see cref="IOException"/>,
/// <see cref="UnauthorizedAccessException"/> and <see cref="InvalidDataException"/> make the image an unreadable one.
/// </param>
public sealed class CheckedImage(string name, string label, string part, Func<byte[]> read)
{
    /// <summary>Its name.</summary>
    public string Name { get; } = name;

    /// <summary>Its class.</summary>
    public string Label { get; } = label;

    /// <summary>What it is there for.</summary>
    public string Part { get; } = part;

    /// <summary>Reads the encoded file.</summary>
    internal byte[]? TryRead(out string? problem)
    {
        problem = null;
        try
        {
            return read();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            problem = exception.Message.TrimEnd('.');
            return null;
        }
    }
}
