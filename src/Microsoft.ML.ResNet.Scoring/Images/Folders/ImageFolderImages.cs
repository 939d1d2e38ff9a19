using System.Collections.Concurrent;
using Microsoft.ML.ResNet.Foundation;

namespace Microsoft.ML.ResNet.Images.Folders;

/// <summary>The images of class folders, decoded ahead of the cursor on several cores.</summary>
internal sealed class ImageFolderImages : ILabeledImages
{
    private readonly ImageStore _store;
    private readonly IReadOnlyList<ImageFile> _files;
    private readonly ImageFolderOptions _options;
    private readonly ConcurrentDictionary<int, string> _unreadable = [];
    private volatile bool _allTried;

    /// <summary>Lists the files and, where the options leave the size open, reads the size of the first image.</summary>
    /// <exception cref="FileNotFoundException">The path does not exist.</exception>
    /// <exception cref="InvalidDataException">There are no class folders, or no image whose size could be read.</exception>
    public ImageFolderImages(string path, ImageFolderOptions options)
    {
        _options = options;
        _store = ImageStore.Of(path);
        var listing = ImageFolderListing.Of(_store, options.Subfolder);
        (_files, Remarks) = (listing.FilesOf(options.Shard), listing.Remarks);
        Shape = options is { Height: not null, Width: not null } ? ShapeFrom(options) : ShapeOfFirstImage(listing.Files);
    }

    /// <summary>The shape of every image.</summary>
    public ImageShape Shape { get; }

    /// <inheritdoc/>
    ImageShape? ILabeledImages.Shape => Shape;

    /// <inheritdoc/>
    public ImageGeometry? Geometry => _options.Geometry;

    /// <summary>What is odd about the folders, in sentences, and does not keep them from being used.</summary>
    public IReadOnlyList<string> Remarks { get; }

    /// <inheritdoc/>
    public long? Count => KnowsItsRows ? _files.Count - _unreadable.Count : null;

    /// <summary>
    /// Whether it is known which images are left out: none when they are fatal, otherwise those that a full pass has found.
    /// </summary>
    private bool KnowsItsRows => _allTried || _options.UnreadableImageBehavior == UnreadableImageBehavior.Throw;

    /// <inheritdoc/>
    public IEnumerable<LabeledImage> Read(bool withBytes, RowsWanted? wanted = null)
    {
        // An iterator, so that this is decided when the first image is asked for, not when the cursor is made.
        foreach (var image in withBytes || !KnowsItsRows ? Decode(wanted) : Labels())
            yield return image;
    }

    private IEnumerable<LabeledImage> Labels()
    {
        for (var i = 0; i < _files.Count; i++)
            if (!_unreadable.ContainsKey(i))
                yield return new(_files[i].Label.AsMemory(), default);
    }

    // Where images may be left out, only decoding all tells which rows there are.
    private IEnumerable<LabeledImage> Decode(RowsWanted? wanted)
    {
        if (_options.UnreadableImageBehavior == UnreadableImageBehavior.Skip)
            wanted = null;
        using var reader = _store.OpenReader();
        var free = new Stack<DecodedChunk>();
        var read = Opening(reader);
        foreach (var chunk in ReadAhead.InOrder(Chunks(free), chunk => chunk.Fill(_files, read, wanted), _options.MaxDegreeOfParallelism,
            DecodedChunk.AheadFor(Shape, _options.MaxDegreeOfParallelism)))
        {
            for (var i = 0; i < chunk.Count; i++)
            {
                var index = chunk.First + i;
                if (chunk.Problem(i) is { } problem)
                    OnUnreadable(index, problem);
                if (!chunk.Holds(i))
                    yield return Later(index, read, wanted!);
                else if (chunk.Problem(i) is null)
                    yield return new(_files[index].Label.AsMemory(), chunk.Pixels(i));
            }
            free.Push(chunk);
        }
        _allTried |= wanted is null;
    }

    private LabeledImage Later(int index, Func<string, ImageBytes, string?> read, RowsWanted wanted)
        => new(_files[index].Label.AsMemory(), default) { Later = () => DecodeNow(index, read, wanted) };

    private ReadOnlyMemory<byte> DecodeNow(int index, Func<string, ImageBytes, string?> read, RowsWanted wanted)
    {
        wanted.BecomeAll();
        var image = new DecodedChunk(new(Shape, _options.Geometry), capacity: 1).Assign(index, count: 1).Fill(_files, read, wanted);
        if (image.Problem(0) is { } problem)
            OnUnreadable(index, problem);
        return image.Pixels(0);
    }

    /// <summary>
    /// How to read a file: where images may be left out, those that cannot be opened are, too; else the error of the file system is thrown
    /// as it is.
    /// </summary>
    private Func<string, ImageBytes, string?> Opening(IImageFileReader reader)
        => _options.UnreadableImageBehavior == UnreadableImageBehavior.Skip ? reader.TryRead : reader.Read;

    private IEnumerable<DecodedChunk> Chunks(Stack<DecodedChunk> free)
    {
        var capacity = DecodedChunk.CapacityFor(Shape);
        for (var first = 0; first < _files.Count; first += capacity)
        {
            if (!free.TryPop(out var chunk))
                chunk = new(new(Shape, _options.Geometry), capacity);
            yield return chunk.Assign(first, Math.Min(capacity, _files.Count - first));
        }
    }

    private void OnUnreadable(int index, string problem)
    {
        var message = $"{_store.Describe(_files[index].Name)}: {problem}.";
        if (_options.UnreadableImageBehavior == UnreadableImageBehavior.Throw)
            throw new InvalidDataException(
                $"{message} Set {nameof(ImageFolderOptions)}.{nameof(UnreadableImageBehavior)} to {UnreadableImageBehavior.Skip} to leave "
                + "such images out.");
        if (_unreadable.TryAdd(index, problem))
            _options.UnreadableImageCallback?.Invoke(message);
    }

    // Of all files, so that the images of all parts have one shape.
    private ImageShape ShapeOfFirstImage(IReadOnlyList<ImageFile> files)
    {
        using var reader = _store.OpenReader();
        var bytes = new ImageBytes();
        var read = Opening(reader);
        foreach (var file in files)
        {
            var problem = read(file.Name, bytes);
            if (problem is null && ImageDecoder.TryReadSize(bytes.Content, _options.Geometry, out var height, out var width, out problem))
                return ShapeFrom(_options with { Height = _options.Height ?? height, Width = _options.Width ?? width });
            if (_options.UnreadableImageBehavior == UnreadableImageBehavior.Throw)
                throw new InvalidDataException(
                    $"{_store.Describe(file.Name)}: {problem}. It is the first image, whose size all others should get.");
        }
        throw ImageFileError.Create(_store.Path, "at least one image that can be read", $"{files.Count} files that cannot");
    }

    private static ImageShape ShapeFrom(ImageFolderOptions options)
    {
        options.Validate(); // again: one side may be the first image's
        return new(options.Channels, options.Height!.Value, options.Width!.Value);
    }
}
