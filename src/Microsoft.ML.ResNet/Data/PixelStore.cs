using Microsoft.ML.ResNet.Network.Torch;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Data;

/// <summary>
/// A set of labelled images, read once, from which training takes its batches; or what frozen layers made of them, once
/// (<see cref="FeatureRows"/>). Where the pixels lie is the affair of the kinds of store,
/// all of which give the same batches: memory (<see cref="MemoryPixelStore"/>) or a temporary file (<see cref="FilePixelStore"/>). Owns its
/// tensors. Used by one thread at a time.
/// </summary>
internal abstract class PixelStore : IDisposable
{
    /// <param name="labels">int64, (N): class indices from 0; the store takes it over.</param>
    /// <param name="weights">
    /// float32, (N): what each row counts, 1 on average; the store takes it over. <see langword="null"/>: all the same.
    /// </param>
    /// <param name="pictures">
    /// What is known of whole pictures; <see langword="null"/> where images are as the network takes them.
    /// </param>
    protected PixelStore(Tensor labels, Tensor? weights, WholePictures? pictures = null)
    {
        Pictures = pictures;
        Labels = labels.DetachFromDisposeScope();
        Weights = weights?.DetachFromDisposeScope();
    }

    /// <summary>int64, (N): class indices from 0.</summary>
    public Tensor Labels { get; }

    /// <summary>float32, (N): what each row counts, 1 on average; <see langword="null"/> where all count the same.</summary>
    public Tensor? Weights { get; }

    /// <summary>
    /// What is known of the pictures where they are kept whole; <see langword="null"/> where images are as the network takes them.
    /// </summary>
    public WholePictures? Pictures { get; }

    /// <summary>How many images there are.</summary>
    public int Count => (int)Labels.shape[0];

    /// <summary>The shape in which the network takes the images; in a store of images, not of features.</summary>
    public ImageShape ImageShape
    {
        get
        {
            if (Pictures is { } pictures)
                return pictures.Target.Shape;
            using var image = PixelsOf(0, 1);
            return new ImageShape((int)image.shape[1], (int)image.shape[2], (int)image.shape[3]);
        }
    }

    /// <summary>Bytes of pixels that lie in memory; <see langword="null"/> where they lie in a file.</summary>
    public abstract long? BytesInMemory { get; }

    /// <summary>Which process keeps which image; <see langword="null"/> where this one keeps all.</summary>
    public virtual RowOwners? Owners => null;

    /// <summary>
    /// The same images for a device: a view of this store when its batches are there already, a copy on the device where that is small
    /// enough, and else, or where several processes keep them, a store whose batches are moved one by one.
    /// </summary>
    /// <returns>A store of its own in each case, to be disposed before this one, which it leaves as it is.</returns>
    public PixelStore To(Device device)
    {
        if (device.type == Labels.device_type)
            return new PixelStoreView(this);
        if (Owners is not null || !ImageMemory.FitsDevice(BytesInMemory))
            return new HostedPixelStore(this, device);
        using var scope = NewDisposeScope();
        return new MemoryPixelStore(PixelsOf(0, Count).to(device), Labels.to(device), Weights?.to(device), Pictures);
    }

    /// <summary>Some of the images, in an order of their own, without a copy of them.</summary>
    /// <param name="rows">Indices of rows.</param>
    /// <returns>The store of these; dispose it before this one.</returns>
    public PixelStore Subset(IReadOnlyList<long> rows) => new PixelSubset(this, [.. rows]);

    /// <summary>The images as the network takes them where it does not learn: of whole pictures, the part that the geometry says.</summary>
    /// <returns>A store of its own in each case, to be disposed before this one, which it leaves as it is.</returns>
    public PixelStore Framed() => Pictures is { } pictures ? new FramedPixelStore(this, pictures) : new PixelStoreView(this);

    /// <summary>
    /// Tells which rows will be taken: while the caller works on one batch, the store may fetch the next ones. A hint that changes no
    /// batch.
    /// </summary>
    /// <param name="order">The rows of one batch after the other.</param>
    /// <returns>
    /// <paramref name="order"/>, to be walked through once, by the thread that takes the batches; when its enumerator is disposed, nothing
    /// is fetched any more.
    /// </returns>
    public virtual IEnumerable<ArraySegment<long>> ReadAhead(IEnumerable<ArraySegment<long>> order) => order;

    /// <summary>Copies some rows.</summary>
    /// <param name="rows">Indices of rows.</param>
    /// <returns>The rows; the caller owns their tensors.</returns>
    /// <exception cref="IOException">The pixels lie in a file that cannot be read any more.</exception>
    public PixelBatch Take(ArraySegment<long> rows)
    {
        using var indices = tensor(rows.AsMemory(), [rows.Count]).SentTo(Labels.device);
        return new(PixelsOf(rows), Labels.index_select(0, indices), Weights?.index_select(0, indices));
    }

    /// <summary>Copies rows of which each of several processes wants its own.</summary>
    /// <param name="shares">Who wants which; the same in all of them.</param>
    /// <returns>Labels and weights of all rows, and the pixels of this process's; the caller owns the tensors.</returns>
    public PixelBatch Take(RowShares shares)
    {
        using var indices = tensor(shares.Rows.AsMemory(), [shares.Rows.Count]).SentTo(Labels.device);
        return new(PixelsOf(shares), Labels.index_select(0, indices), Weights?.index_select(0, indices));
    }

    /// <summary>Consecutive rows.</summary>
    /// <returns>The rows; their tensors may share the store's memory, and the caller disposes them.</returns>
    /// <exception cref="IOException">The pixels lie in a file that cannot be read any more.</exception>
    public PixelBatch Slice(int first, int count)
        => new(PixelsOf(first, count), Labels.narrow(0, first, count), Weights?.narrow(0, first, count));

    /// <summary>The pixels of some rows.</summary>
    /// <param name="rows">Indices of rows.</param>
    /// <returns>uint8, (n, C, H, W); the caller owns it.</returns>
    public abstract Tensor PixelsOf(ArraySegment<long> rows);

    /// <summary>The pixels of consecutive rows.</summary>
    /// <returns>uint8, (n, C, H, W); it may share the store's memory, and the caller disposes it.</returns>
    public abstract Tensor PixelsOf(int first, int count);

    /// <summary>The pixels of those rows that this process wants; see <see cref="Take(RowShares)"/>.</summary>
    /// <returns>uint8, (n, C, H, W); the caller disposes it.</returns>
    public virtual Tensor PixelsOf(RowShares shares) => shares.Own.Length == 0 ? PixelsOf(0, 0) : PixelsOf(shares.OwnRows);

    /// <summary>Frees the memory, and the file if there is one.</summary>
    public virtual void Dispose()
    {
        Labels.Dispose();
        Weights?.Dispose();
    }
}
