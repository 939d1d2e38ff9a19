using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Data;

/// <summary>
/// Images of which each of several processes keeps a part. They go to whoever asks for them, batch by batch, as bytes. All processes must
/// ask for the same rows at the same time; labels and weights are in all of them.
/// </summary>
internal sealed class DistributedPixelStore : PixelStore
{
    private readonly PixelStore _kept;
    private readonly RowOwners _owners;
    private readonly StoredRow _row;
    private readonly ProcessGroup _processes;

    /// <param name="kept">The images that this process keeps, in the order of all rows; the store takes it over.</param>
    /// <param name="owners">Who keeps which row.</param>
    /// <param name="row">What is kept of each.</param>
    /// <param name="processes">The processes; they stay the caller's.</param>
    /// <param name="labels">int64, (N): class indices of all rows; the store takes it over.</param>
    /// <param name="weights">float32, (N): what each row counts; the store takes it over. <see langword="null"/>: all the same.</param>
    /// <param name="pictures">What is known of whole pictures.</param>
    public DistributedPixelStore(PixelStore kept, RowOwners owners, StoredRow row, ProcessGroup processes, Tensor labels, Tensor? weights,
        WholePictures? pictures)
        : base(labels, weights, pictures) => (_kept, _owners, _row, _processes) = (kept, owners, row, processes);

    /// <inheritdoc/>
    public override long? BytesInMemory => _kept.BytesInMemory;

    /// <inheritdoc/>
    public override RowOwners? Owners => _owners;

    /// <inheritdoc/>
    public override IEnumerable<ArraySegment<long>> ReadAhead(IEnumerable<ArraySegment<long>> order)
    {
        var ahead = new Queue<ArraySegment<long>>();
        foreach (var _ in _kept.ReadAhead(order.Select(Remembered)))
            yield return ahead.Dequeue();

        ArraySegment<long> Remembered(ArraySegment<long> rows)
        {
            ahead.Enqueue(rows);
            return _owners.PlacesAt(_processes.Rank, rows);
        }
    }

    /// <inheritdoc/>
    public override Tensor PixelsOf(int first, int count)
    {
        var rows = new long[count];
        for (var index = 0; index < count; index++)
            rows[index] = first + index;
        return PixelsOf(rows);
    }

    /// <inheritdoc/>
    public override Tensor PixelsOf(ArraySegment<long> rows)
    {
        var lengths = LengthsOf(rows);
        var all = new byte[checked(lengths.Sum())];
        using (var kept = Kept(rows))
            _processes.AllGather(BytesOf(kept), all, lengths);
        return InOrder(rows, all, lengths);
    }

    /// <inheritdoc/>
    public override Tensor PixelsOf(RowShares shares)
    {
        var (sent, received) = (new int[_processes.Size], LengthsOf(shares.OwnRows));
        var keptAt = new Dictionary<int, int>(); // by the place in the batch
        for (var place = 0; place < shares.Rows.Count; place++)
            if (_owners.RankOf(shares.Rows[place]) == _processes.Rank)
                keptAt[place] = keptAt.Count;
        using var kept = Kept(shares.Rows);
        var source = BytesOf(kept);
        var send = new byte[checked((long)shares.Places.Sum(places => places.Count(keptAt.ContainsKey)) * _row.Bytes)];
        var target = send.AsSpan();
        for (var rank = 0; rank < sent.Length; rank++)
            foreach (var place in shares.Places[rank])
                if (keptAt.TryGetValue(place, out var index))
                {
                    source.Slice(index * _row.Bytes, _row.Bytes).CopyTo(target);
                    target = target[_row.Bytes..];
                    sent[rank] += _row.Bytes;
                }
        var arrived = new byte[checked(received.Sum())];
        _processes.AllToAll(send, sent, arrived, received);
        return InOrder(shares.OwnRows, arrived, received);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _kept.Dispose();
        base.Dispose();
    }

    // For each process, the bytes of those of some rows that it keeps.
    private int[] LengthsOf(ArraySegment<long> rows)
    {
        var lengths = new int[_processes.Size];
        foreach (var row in rows)
            lengths[_owners.RankOf(row)] = checked(lengths[_owners.RankOf(row)] + _row.Bytes);
        return lengths;
    }

    // Puts rows in their order that have come process by process.
    private Tensor InOrder(ArraySegment<long> rows, byte[] arrived, int[] lengths)
    {
        var next = new int[lengths.Length];
        for (var rank = 1; rank < next.Length; rank++)
            next[rank] = next[rank - 1] + lengths[rank - 1];
        var pixels = _row.Empty(rows.Count);
        var target = BytesOf(pixels);
        foreach (var row in rows)
        {
            var rank = _owners.RankOf(row);
            arrived.AsSpan(next[rank], _row.Bytes).CopyTo(target);
            next[rank] += _row.Bytes;
            target = target[_row.Bytes..];
        }
        return pixels;
    }

    // Those of the rows that this process keeps, in their order.
    private Tensor Kept(ArraySegment<long> rows)
    {
        var places = _owners.PlacesAt(_processes.Rank, rows);
        return places.Count == 0 ? _row.Empty(0) : _kept.PixelsOf(places);
    }

    private static Span<byte> BytesOf(Tensor rows)
        => rows.shape[0] == 0 ? [] : rows.bytes;
}
