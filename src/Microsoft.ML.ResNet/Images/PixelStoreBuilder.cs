using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Images;

/// <summary>Collects images row by row, measures their channels on the way, and makes a <see cref="PixelStore"/> of them.</summary>
internal sealed class PixelStoreBuilder : IDisposable
{
    private const int ChunkBytes = 16 * 1024 * 1024;

    private readonly ImageShape _shape;
    private readonly int _chunkRows;
    private readonly byte[] _chunk;
    private readonly ChannelStatistics _channels;
    private readonly List<Tensor> _chunks = [];
    private readonly List<long> _labels = [];
    private readonly List<float> _weights = [];
    private int _rowsInChunk;

    /// <param name="shape">The shape of every image.</param>
    public PixelStoreBuilder(ImageShape shape)
    {
        _shape = shape;
        _chunkRows = Math.Max(1, ChunkBytes / shape.Size);
        _chunk = new byte[(long)_chunkRows * shape.Size];
        _channels = new ChannelStatistics(shape);
    }

    /// <summary>The shape of every image.</summary>
    public ImageShape Shape => _shape;

    /// <summary>Rows so far.</summary>
    public int Count => _labels.Count;

    /// <summary>Where the pixels of the next row go; <see cref="Add"/> keeps them.</summary>
    public Span<byte> NextImage => _chunk.AsSpan(_rowsInChunk * _shape.Size, _shape.Size);

    /// <summary>Keeps what was written to <see cref="NextImage"/>.</summary>
    /// <param name="label">Its class, from 0.</param>
    /// <param name="weight">What the row counts; finite and above 0. Give it for every row or for none.</param>
    public void Add(int label, float? weight = null)
    {
        _channels.Add(NextImage);
        _labels.Add(label);
        if (weight is { } given)
            _weights.Add(given);
        if (++_rowsInChunk == _chunkRows)
            Flush();
    }

    /// <summary>Mean and deviation of each channel over all pixels so far, exact but for the last rounding; a channel without contrast gets deviation 1.</summary>
    public Normalization Measure() => _channels.Measure();

    /// <summary>Makes the store of all rows; the builder is empty afterwards.</summary>
    public PixelStore Build()
    {
        using var scope = NewDisposeScope();
        if (_rowsInChunk > 0)
            Flush();
        var pixels = _chunks.Count == 1 ? _chunks[0] : Joined();
        var store = new PixelStore(pixels, tensor(_labels), _weights.Count == 0 ? null : RelativeWeights());
        foreach (var chunk in _chunks.Where(chunk => !ReferenceEquals(chunk, pixels)))
            chunk.Dispose();
        _chunks.Clear();
        _labels.Clear();
        _weights.Clear();
        return store;
    }

    /// <summary>Frees what was not built.</summary>
    public void Dispose() => _chunks.ForEach(chunk => chunk.Dispose());

    private Tensor RelativeWeights()
    {
        var mean = _weights.Average();
        return tensor(_weights.ConvertAll(weight => weight / mean));
    }

    // Copied by .NET: libtorch's cat would start a pool of threads for the calling thread, which then slows down everybody (see OwnThread).
    private Tensor Joined()
    {
        var pixels = empty([_labels.Count, _shape.Channels, _shape.Height, _shape.Width], ScalarType.Byte);
        var row = 0L;
        foreach (var chunk in _chunks)
        {
            chunk.bytes.CopyTo(pixels.narrow(0, row, chunk.shape[0]).bytes);
            row += chunk.shape[0];
        }
        return pixels;
    }

    private void Flush()
    {
        var chunk = empty([_rowsInChunk, _shape.Channels, _shape.Height, _shape.Width], ScalarType.Byte).DetachFromDisposeScope();
        _chunk.AsSpan(0, _rowsInChunk * _shape.Size).CopyTo(chunk.bytes);
        _chunks.Add(chunk);
        _rowsInChunk = 0;
    }
}
