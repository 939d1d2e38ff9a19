using Microsoft.ML.ResNet.Network.Torch;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Data;

/// <summary>Some of the images of another store, which keeps their pixels.</summary>
internal sealed class PixelSubset : PixelStore
{
    private readonly PixelStore _whole;
    private readonly long[] _rows;
    private RowOwners? _owners;

    /// <param name="whole">The store of all images; it stays the caller's and must live longer.</param>
    /// <param name="rows">Indices of its rows, in the order of this store.</param>
    public PixelSubset(PixelStore whole, long[] rows)
        : base(Select(whole.Labels, rows), whole.Weights is { } weights ? OneOnAverage(Select(weights, rows)) : null,
            whole.Pictures?.Subset(rows))
            => (_whole, _rows) = (whole, rows);

    /// <inheritdoc/>
    public override long? BytesInMemory => _whole.BytesInMemory / Math.Max(1, _whole.Count) * Count;

    /// <inheritdoc/>
    public override RowOwners? Owners => _owners ??= _whole.Owners?.Of(_rows);

    /// <inheritdoc/>
    public override IEnumerable<ArraySegment<long>> ReadAhead(IEnumerable<ArraySegment<long>> order)
    {
        var ahead = new Queue<ArraySegment<long>>();
        foreach (var _ in _whole.ReadAhead(order.Select(Remembered)))
            yield return ahead.Dequeue();

        ArraySegment<long> Remembered(ArraySegment<long> rows)
        {
            ahead.Enqueue(rows);
            return InWhole(rows);
        }
    }

    /// <inheritdoc/>
    public override Tensor PixelsOf(ArraySegment<long> rows) => _whole.PixelsOf(InWhole(rows));

    /// <inheritdoc/>
    public override Tensor PixelsOf(int first, int count) => _whole.PixelsOf(new ArraySegment<long>(_rows, first, count));

    /// <inheritdoc/>
    public override Tensor PixelsOf(RowShares shares) => _whole.PixelsOf(shares.Of(InWhole(shares.Rows)));

    private ArraySegment<long> InWhole(ArraySegment<long> rows) => rows.Select(row => _rows[row]).ToArray();

    private static Tensor OneOnAverage(Tensor weights)
    {
        using (weights)
        using (var mean = OneThread.Run(() => weights.mean()))
            return weights / mean;
    }

    private static Tensor Select(Tensor values, long[] rows)
    {
        using var indices = tensor(rows).SentTo(values.device);
        return values.index_select(0, indices);
    }
}
