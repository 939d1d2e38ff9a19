using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Images;

/// <summary>
/// A set of labelled images, read once and kept as one block of bytes, from which training takes its batches. Owns its tensors.
/// </summary>
internal sealed class PixelStore : IDisposable
{
    /// <param name="pixels">uint8, (N, C, H, W); the store takes it over.</param>
    /// <param name="labels">int64, (N): class indices from 0; the store takes it over.</param>
    public PixelStore(Tensor pixels, Tensor labels)
    {
        Pixels = pixels.DetachFromDisposeScope();
        Labels = labels.DetachFromDisposeScope();
    }

    /// <summary>uint8, (N, C, H, W).</summary>
    public Tensor Pixels { get; }

    /// <summary>int64, (N): class indices from 0.</summary>
    public Tensor Labels { get; }

    /// <summary>How many images there are.</summary>
    public int Count => (int)Pixels.shape[0];

    /// <summary>The same images on a device: this store itself when they are there already.</summary>
    public PixelStore To(Device device) => device.type == Pixels.device_type ? this : new PixelStore(Pixels.to(device), Labels.to(device));

    /// <summary>Copies some rows.</summary>
    /// <param name="rows">Indices of rows.</param>
    /// <returns>uint8 pixels, (n, C, H, W), and int64 labels, (n); the caller owns them.</returns>
    public (Tensor Pixels, Tensor Labels) Take(ArraySegment<long> rows)
    {
        using var indices = tensor(rows.AsMemory(), [rows.Count], device: Pixels.device);
        return (Pixels.index_select(0, indices), Labels.index_select(0, indices));
    }

    /// <summary>A view of consecutive rows.</summary>
    /// <returns>uint8 pixels, (n, C, H, W), and int64 labels, (n), which share the store's memory; the caller disposes them.</returns>
    public (Tensor Pixels, Tensor Labels) Slice(int first, int count) => (Pixels.narrow(0, first, count), Labels.narrow(0, first, count));

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        Pixels.Dispose();
        Labels.Dispose();
    }
}
