using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Data;

/// <summary>The mirror images of another store's images, left to right, made as they are taken.</summary>
/// <param name="images">The store; it stays the caller's and must live longer.</param>
internal sealed class MirroredPixelStore(PixelStore images) : PixelStore(images.Labels.alias(), images.Weights?.alias())
{
    /// <inheritdoc/>
    public override long? BytesInMemory => images.BytesInMemory;

    /// <inheritdoc/>
    public override RowOwners? Owners => images.Owners;

    /// <inheritdoc/>
    public override IEnumerable<ArraySegment<long>> ReadAhead(IEnumerable<ArraySegment<long>> order) => images.ReadAhead(order);

    /// <inheritdoc/>
    public override Tensor PixelsOf(ArraySegment<long> rows) => Mirrored(images.PixelsOf(rows));

    /// <inheritdoc/>
    public override Tensor PixelsOf(int first, int count) => Mirrored(images.PixelsOf(first, count));

    /// <inheritdoc/>
    public override Tensor PixelsOf(RowShares shares) => Mirrored(images.PixelsOf(shares));

    private static Tensor Mirrored(Tensor pixels)
    {
        using (pixels)
            return pixels.flip(3);
    }
}
