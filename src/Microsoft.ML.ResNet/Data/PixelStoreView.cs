using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Data;

/// <summary>All images of another store under a second owner, which may dispose the view without disposing the store.</summary>
/// <param name="whole">The store; it stays the caller's and must live longer.</param>
internal sealed class PixelStoreView(PixelStore whole) : PixelStore(whole.Labels.alias(), whole.Weights?.alias(), whole.Pictures)
{
    /// <inheritdoc/>
    public override long? BytesInMemory => whole.BytesInMemory;

    /// <inheritdoc/>
    public override RowOwners? Owners => whole.Owners;

    /// <inheritdoc/>
    public override IEnumerable<ArraySegment<long>> ReadAhead(IEnumerable<ArraySegment<long>> order) => whole.ReadAhead(order);

    /// <inheritdoc/>
    public override Tensor PixelsOf(ArraySegment<long> rows) => whole.PixelsOf(rows);

    /// <inheritdoc/>
    public override Tensor PixelsOf(int first, int count) => whole.PixelsOf(first, count);

    /// <inheritdoc/>
    public override Tensor PixelsOf(RowShares shares) => whole.PixelsOf(shares);
}
