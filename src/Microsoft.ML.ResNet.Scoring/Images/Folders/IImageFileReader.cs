namespace Microsoft.ML.ResNet.Images.Folders;

/// <summary>Reads files of one <see cref="ImageStore"/>. Thread-safe: images are read by the threads that decode them.</summary>
internal interface IImageFileReader : IDisposable
{
    /// <summary>Reads a whole file.</summary>
    /// <param name="fileName">One of <see cref="ImageStore.FileNames"/>.</param>
    /// <param name="bytes">Receives the file's content.</param>
    /// <returns>Null, or why the file cannot be an image that is read: expected and found.</returns>
    /// <exception cref="IOException">The file cannot be opened or read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    string? Read(string fileName, ImageBytes bytes);

    /// <summary>Reads a whole file, where one that cannot be opened or read is no exception but one more reason.</summary>
    /// <inheritdoc cref="Read"/>
    string? TryRead(string fileName, ImageBytes bytes)
    {
        try
        {
            return Read(fileName, bytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"expected a file that can be read, found that it cannot: {e.Message.TrimEnd('.')}";
        }
    }
}
