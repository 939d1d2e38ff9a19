using System.Collections.Concurrent;

namespace Microsoft.ML.ResNet.Images.Folders;

/// <summary>The files of class folders as they are, for who decodes them.</summary>
internal sealed class ImageFolderFiles : ILabeledImages
{
    private readonly ImageStore _store;
    private readonly IReadOnlyList<ImageFile> _files;
    private readonly ImageFolderOptions _options;
    private readonly ConcurrentDictionary<string, bool> _reported = new(StringComparer.Ordinal);

    /// <summary>Lists the files; opens none.</summary>
    /// <exception cref="FileNotFoundException">The path does not exist.</exception>
    /// <exception cref="InvalidDataException">There are no class folders.</exception>
    public ImageFolderFiles(string path, ImageFolderOptions options)
    {
        _options = options;
        _store = ImageStore.Of(path);
        var listing = ImageFolderListing.Of(_store, options.Subfolder);
        (_files, Remarks) = (listing.FilesOf(options.Shard), listing.Remarks);
    }

    /// <inheritdoc/>
    public ImageShape? Shape => null;

    /// <inheritdoc/>
    public ImageGeometry? Geometry => null;

    /// <summary>What is odd about the folders, in sentences, and does not keep them from being used.</summary>
    public IReadOnlyList<string> Remarks { get; }

    /// <inheritdoc/>
    public long? Count => _files.Count;

    /// <inheritdoc/>
    public IEnumerable<LabeledImage> Read(bool withBytes, RowsWanted? wanted = null)
    {
        using var reader = withBytes ? _store.OpenReader() : null;
        var bytes = new ImageBytes();
        foreach (var file in _files)
        {
            if (reader is not null)
                Read(reader, file, bytes);
            yield return new(file.Label.AsMemory(), reader is null ? default : bytes.ContentMemory)
            {
                Path = _store.Describe(file.Name).AsMemory(),
            };
        }
    }

    // A file that cannot be had leaves a row without bytes, which whoever decodes it counts with the other unreadable images.
    private void Read(IImageFileReader reader, ImageFile file, ImageBytes bytes)
    {
        var skips = _options.UnreadableImageBehavior == UnreadableImageBehavior.Skip;
        if ((skips ? reader.TryRead(file.Name, bytes) : reader.Read(file.Name, bytes)) is not { } problem)
            return;
        var message = $"{_store.Describe(file.Name)}: {problem}.";
        if (!skips)
            throw new InvalidDataException($"{message} Set {nameof(ImageFolderOptions)}.{nameof(UnreadableImageBehavior)} to "
                + $"{UnreadableImageBehavior.Skip} to leave such images out.");
        bytes.Resize(0);
        if (_reported.TryAdd(file.Name, true))
            _options.UnreadableImageCallback?.Invoke(message);
    }
}
