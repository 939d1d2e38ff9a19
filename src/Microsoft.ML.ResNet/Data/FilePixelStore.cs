using System.Collections.Concurrent;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Data;

/// <summary>
/// Images in a temporary file, for sets that are larger than memory. Every row is read where it lies, so that an epoch has the same order,
/// down to the last row, as in memory; two threads read the coming batches while one is learnt.
/// </summary>
internal sealed class FilePixelStore : PixelStore
{
    private const int Readers = 2; // at most 4 batches are in memory
    private const int LargestBatch = 64 * 1024 * 1024; // bytes; larger ones are read when they are needed

    private readonly PixelFile _file;
    private readonly ConcurrentBag<byte[]> _spareBuffers = [];
    private ReadBatch? _ready;

    /// <param name="file">The pixels; the store takes it over.</param>
    /// <param name="labels">int64, (N): class indices from 0; the store takes it over.</param>
    /// <param name="weights">float32, (N): what each row counts; the store takes it over. <see langword="null"/>: all the same.</param>
    /// <param name="pictures">What is known of whole pictures.</param>
    public FilePixelStore(PixelFile file, Tensor labels, Tensor? weights, WholePictures? pictures = null)
        : base(labels, weights, pictures) => _file = file;

    /// <inheritdoc/>
    public override long? BytesInMemory => null;

    /// <inheritdoc/>
    public override IEnumerable<ArraySegment<long>> ReadAhead(IEnumerable<ArraySegment<long>> order)
    {
        foreach (var batch in Foundation.ReadAhead.InOrder(order, Read, Readers))
        {
            _ready = batch;
            try
            {
                yield return batch.Rows;
            }
            finally
            {
                _ready = null;
            }
            if (batch.Pixels is { } buffer)
                _spareBuffers.Add(buffer);
        }
    }

    /// <inheritdoc/>
    public override Tensor PixelsOf(ArraySegment<long> rows)
    {
        var pixels = _file.Row.Empty(rows.Count);
        if (_ready is { Pixels: { } read } ready && ready.Rows.AsSpan().SequenceEqual(rows))
            read.AsSpan(0, rows.Count * _file.Row.Bytes).CopyTo(pixels.bytes);
        else
            Fill(pixels, index => rows[index]);
        return pixels;
    }

    /// <inheritdoc/>
    public override Tensor PixelsOf(int first, int count)
    {
        var pixels = _file.Row.Empty(count);
        Fill(pixels, index => first + index);
        return pixels;
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _file.Dispose();
        base.Dispose();
    }

    // Image by image, since Tensor.bytes reaches 2 GiB at most.
    private void Fill(Tensor pixels, Func<int, long> rowAt)
    {
        for (var index = 0; index < pixels.shape[0]; index++)
        {
            using var image = pixels.narrow(0, index, 1);
            _file.Read(rowAt(index), image.bytes);
        }
    }

    // Runs on the threads of the read-ahead, which must not create tensors: scopes belong to threads.
    private ReadBatch Read(ArraySegment<long> rows)
    {
        var bytes = (long)rows.Count * _file.Row.Bytes;
        if (bytes > LargestBatch)
            return new(rows, null);
        if (!_spareBuffers.TryTake(out var buffer) || buffer.Length < bytes)
            buffer = new byte[bytes];
        for (var index = 0; index < rows.Count; index++)
            _file.Read(rows[index], buffer.AsSpan(index * _file.Row.Bytes, _file.Row.Bytes));
        return new(rows, buffer);
    }

    /// <summary>A batch that was read ahead.</summary>
    /// <param name="Rows">Its rows.</param>
    /// <param name="Pixels">
    /// Their pixels, and perhaps more bytes behind them; <see langword="null"/> for a batch too large to be read ahead.
    /// </param>
    private sealed record ReadBatch(ArraySegment<long> Rows, byte[]? Pixels);
}
