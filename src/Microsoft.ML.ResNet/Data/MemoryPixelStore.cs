using Microsoft.ML.ResNet.Network.Torch;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Data;

/// <summary>Images as one block of bytes, or their features as one of floats, in the memory of the machine or of a device.</summary>
internal sealed class MemoryPixelStore : PixelStore
{
    private readonly Tensor _pixels;

    /// <param name="pixels">uint8, (N, C, H, W), or what <see cref="FeatureRows"/> holds; the store takes it over.</param>
    /// <param name="labels">int64, (N): class indices from 0; the store takes it over.</param>
    /// <param name="weights">float32, (N): what each row counts; the store takes it over. <see langword="null"/>: all the same.</param>
    /// <param name="pictures">What is known of whole pictures.</param>
    public MemoryPixelStore(Tensor pixels, Tensor labels, Tensor? weights, WholePictures? pictures = null)
        : base(labels, weights, pictures) => _pixels = pixels.DetachFromDisposeScope();

    /// <inheritdoc/>
    public override long? BytesInMemory => _pixels.numel() * _pixels.element_size();

    /// <inheritdoc/>
    public override Tensor PixelsOf(ArraySegment<long> rows)
    {
        using var indices = tensor(rows.AsMemory(), [rows.Count]).SentTo(_pixels.device);
        return _pixels.index_select(0, indices);
    }

    /// <inheritdoc/>
    public override Tensor PixelsOf(int first, int count) => _pixels.narrow(0, first, count);

    /// <inheritdoc/>
    public override void Dispose()
    {
        _pixels.Dispose();
        base.Dispose();
    }
}
