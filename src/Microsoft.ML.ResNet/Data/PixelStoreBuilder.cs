using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.ML.ResNet.Images;
using Microsoft.ML.ResNet.Network;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Data;

/// <summary>
/// Collects images row by row, measures their channels on the way, and makes a <see cref="PixelStore"/> of them: in memory as long as the
/// budget holds them, and in a temporary file from the moment when it does not.
/// </summary>
internal sealed class PixelStoreBuilder : IDisposable
{
    // More than 32 MiB: the largest block that glibc's malloc keeps when it is freed. Larger ones go back to the system at once.
    private const int DefaultChunkBytes = 64 * 1024 * 1024;

    private readonly ImageShape _shape;
    private readonly ImageMemory? _memory;
    private readonly long? _expectedRows;
    private readonly int _defaultChunkRows;
    private readonly ChannelStatistics _statistics;
    private readonly List<Tensor> _chunks = []; // the last one is being filled
    private readonly List<long> _labels = [];
    private readonly List<float> _weights = [];
    private readonly List<PictureSize> _pictures = [];
    private readonly ImageTarget? _target;
    private PixelFile? _file;
    private unsafe byte* _chunkStart; // of the last one
    private int _chunkRows; // room in the last chunk
    private int _rowsInChunk;

    /// <param name="shape">The shape of every image.</param>
    /// <param name="memory">How much memory the images may take; <see langword="null"/> sets no limit.</param>
    /// <param name="expectedRows">How many rows there may be; <see langword="null"/> if that is not known.</param>
    /// <param name="chunkBytes">
    /// Bytes that are collected before they move on; the default is 64 MiB. That much, twice, may be needed beyond the budget.
    /// </param>
    /// <param name="target">
    /// What the network takes of whole pictures; <see langword="null"/> where images are as the network takes them.
    /// </param>
    public PixelStoreBuilder(ImageShape shape, ImageMemory? memory = null, long? expectedRows = null, int chunkBytes = DefaultChunkBytes,
        ImageTarget? target = null)
    {
        _target = target;
        _shape = shape;
        _memory = memory;
        _expectedRows = expectedRows;
        _defaultChunkRows = Math.Max(1, chunkBytes / shape.Size);
        _statistics = new ChannelStatistics(shape);
        StartChunk(FirstChunkRows());
    }

    /// <summary>The shape of every image.</summary>
    public ImageShape Shape => _shape;

    /// <summary>What the network takes of whole pictures; <see langword="null"/> where images are as it takes them.</summary>
    public ImageTarget? Target => _target;

    /// <summary>The sizes of the pictures so far, where they are kept whole.</summary>
    public IReadOnlyList<PictureSize> Pictures => _pictures;

    /// <summary>What is measured of the channels.</summary>
    public ChannelStatistics Statistics => _statistics;

    /// <summary>Rows so far.</summary>
    public int Count => _labels.Count;

    /// <summary>Where the pixels of the next row go; <see cref="Add"/> keeps them.</summary>
    public unsafe Span<byte> NextImage => new(_chunkStart + (nint)_rowsInChunk * _shape.Size, _shape.Size);

    /// <summary>Keeps what was written to <see cref="NextImage"/>.</summary>
    /// <param name="label">Its class, from 0.</param>
    /// <param name="weight">What the row counts; finite and above 0. Give it for every row or for none.</param>
    /// <param name="picture">The size of the picture before it was squashed; it counts where pictures are kept whole.</param>
    /// <exception cref="IOException">The images need more memory than they may take, and cannot be written to a file.</exception>
    public void Add(int label, float? weight = null, PictureSize picture = default)
    {
        if (_target is not null)
            _pictures.Add(picture);
        _statistics.Add(NextImage);
        _labels.Add(label);
        if (weight is { } given)
            _weights.Add(given);
        if (++_rowsInChunk < _chunkRows)
            return;
        if (ExceedsMemory)
            Spill();
        StartChunk(_defaultChunkRows);
    }

    /// <summary>
    /// Mean and deviation of each channel over all pixels so far, exact but for the last rounding; a channel without contrast gets
    /// deviation 1.
    /// </summary>
    public Normalization Measure() => _statistics.Measure();

    /// <summary>Scales weights so that they are 1 on average.</summary>
    public static List<float> Relative(List<float> weights)
    {
        var mean = weights.Average();
        return weights.ConvertAll(weight => weight / mean);
    }

    /// <summary>Makes the store of all rows; the builder cannot be used afterwards.</summary>
    /// <exception cref="IOException">The images need more memory than they may take, and cannot be written to a file.</exception>
    public PixelStore Build()
    {
        if (ExceedsMemory)
            Spill();
        using var scope = NewDisposeScope();
        var (labels, weights) = (tensor(_labels), _weights.Count == 0 ? null : tensor(Relative(_weights)));
        var pictures = _target is { } target ? new WholePictures([.. _pictures], target) : null;
        if (_file is null)
            return new MemoryPixelStore(Joined(), labels, weights, pictures);
        var store = new FilePixelStore(_file, labels, weights, pictures);
        _file = null;
        return store;
    }

    /// <summary>Frees what was not built.</summary>
    public void Dispose()
    {
        _chunks.ForEach(chunk => chunk.Dispose());
        _file?.Dispose();
    }

    private bool ExceedsMemory => _file is not null || _memory?.Holds(Count, _shape) == false;

    // Where it is known how many rows will come, and memory holds them, one chunk takes them all, and one more, so that it never fills up:
    // nothing has to be joined, and each page of memory is touched once. Pages that are not needed after all cost nothing.
    private int FirstChunkRows()
        => _expectedRows is > 0 and { } rows && rows < Array.MaxLength / _shape.Size && _memory?.Holds(rows, _shape) != false
            ? (int)rows + 1
            : _defaultChunkRows;

    private unsafe void StartChunk(int rows)
    {
        _chunks.Add(Empty(rows).DetachFromDisposeScope());
        // once, because it takes some calls into libtorch
        _chunkStart = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(_chunks[^1].bytes));
        (_chunkRows, _rowsInChunk) = (rows, 0);
    }

    private void Spill()
    {
        _file ??= PixelFile.Create(_memory!.Folder, StoredRow.Of(_shape), Math.Max(_expectedRows ?? 0, Count) * _shape.Size);
        foreach (var chunk in _chunks)
            _file.Append(Used(chunk));
        _chunks.ForEach(chunk => chunk.Dispose());
        _chunks.Clear();
    }

    // Each chunk is freed as soon as it is copied, so that the pixels never need twice their memory: that of the joined block is only taken
    // as it is written. Copied by .NET: libtorch's cat would start a pool of threads for the calling thread, which then slows down
    // everybody (see OwnThread).
    private Tensor Joined()
    {
        if (_chunks is [var only])
        {
            _chunks.Clear();
            using (only)
                return only.narrow(0, 0, Count); // shares the memory, and keeps it
        }
        var pixels = Empty(Count);
        var row = 0L;
        foreach (var chunk in _chunks)
        {
            var used = Used(chunk);
            var rows = used.Length / _shape.Size;
            if (rows > 0)
                used.CopyTo(pixels.narrow(0, row, rows).bytes);
            chunk.Dispose();
            row += rows;
        }
        _chunks.Clear();
        return pixels;
    }

    private Tensor Empty(int rows) => empty([rows, _shape.Channels, _shape.Height, _shape.Width], ScalarType.Byte);

    private Span<byte> Used(Tensor chunk)
        => ReferenceEquals(chunk, _chunks[^1]) ? chunk.bytes[..(_rowsInChunk * _shape.Size)] : chunk.bytes;
}
