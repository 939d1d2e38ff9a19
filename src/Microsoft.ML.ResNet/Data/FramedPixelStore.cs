using Microsoft.ML.ResNet.Images;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Data;

/// <summary>The images that the network is judged by, made of a store's whole pictures as the geometry says, batch by batch.</summary>
/// <param name="whole">The pictures; the store stays the caller's and must live longer.</param>
/// <param name="pictures">What is known of them.</param>
internal sealed class FramedPixelStore(PixelStore whole, WholePictures pictures) : PixelStore(whole.Labels.alias(), whole.Weights?.alias())
{
    /// <inheritdoc/>
    public override long? BytesInMemory => whole.BytesInMemory;

    /// <inheritdoc/>
    public override RowOwners? Owners => whole.Owners;

    /// <inheritdoc/>
    public override IEnumerable<ArraySegment<long>> ReadAhead(IEnumerable<ArraySegment<long>> order) => whole.ReadAhead(order);

    /// <inheritdoc/>
    public override Tensor PixelsOf(ArraySegment<long> rows) => Framed(whole.PixelsOf(rows), index => pictures.Sizes[(int)rows[index]]);

    /// <inheritdoc/>
    public override Tensor PixelsOf(int first, int count) => Framed(whole.PixelsOf(first, count), index => pictures.Sizes[first + index]);

    /// <inheritdoc/>
    public override Tensor PixelsOf(RowShares shares)
        => Framed(whole.PixelsOf(shares), index => pictures.Sizes[(int)shares.Rows[shares.Own[index]]]);

    private Tensor Framed(Tensor kept, Func<int, PictureSize> sizeOf)
    {
        using (kept)
            return PictureTensors.Map(kept, pictures.Target.Shape, (index, picture, shape, image) =>
                PlanarPicture.Frame(picture, shape, sizeOf(index), pictures.Target, image));
    }
}
