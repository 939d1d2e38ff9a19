using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Images;

/// <summary>
/// A set of labelled images, read once and kept as one block of bytes, from which training takes its batches. Owns its tensors.
/// </summary>
internal sealed class PixelStore : IDisposable
{
    /// <param name="pixels">uint8, (N, C, H, W); the store takes it over.</param>
    /// <param name="labels">int64, (N): class indices from 0; the store takes it over.</param>
    /// <param name="weights">float32, (N): what each row counts, 1 on average; the store takes it over. <see langword="null"/>: all the same.</param>
    public PixelStore(Tensor pixels, Tensor labels, Tensor? weights = null)
    {
        Pixels = pixels.DetachFromDisposeScope();
        Labels = labels.DetachFromDisposeScope();
        Weights = weights?.DetachFromDisposeScope();
    }

    /// <summary>uint8, (N, C, H, W).</summary>
    public Tensor Pixels { get; }

    /// <summary>int64, (N): class indices from 0.</summary>
    public Tensor Labels { get; }

    /// <summary>float32, (N): what each row counts, 1 on average; <see langword="null"/> where all count the same.</summary>
    public Tensor? Weights { get; }

    /// <summary>How many images there are.</summary>
    public int Count => (int)Pixels.shape[0];

    /// <summary>The same images on a device: this store itself when they are there already.</summary>
    public PixelStore To(Device device) => device.type == Pixels.device_type ? this : new PixelStore(Pixels.to(device), Labels.to(device), Weights?.to(device));

    /// <summary>Copies some rows.</summary>
    /// <param name="rows">Indices of rows.</param>
    /// <returns>The rows; the caller owns their tensors.</returns>
    public PixelBatch Take(ArraySegment<long> rows) => new PixelBatch(Pixels, Labels, Weights).Take(rows);

    /// <summary>A view of consecutive rows.</summary>
    /// <returns>The rows; their tensors share the store's memory, and the caller disposes them.</returns>
    public PixelBatch Slice(int first, int count) => new PixelBatch(Pixels, Labels, Weights).Slice(first, count);

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        Pixels.Dispose();
        Labels.Dispose();
        Weights?.Dispose();
    }
}

/// <summary>Some rows of a <see cref="PixelStore"/>.</summary>
/// <param name="Pixels">uint8, (n, C, H, W).</param>
/// <param name="Labels">int64, (n): class indices from 0.</param>
/// <param name="Weights">float32, (n): what each row counts; <see langword="null"/> where all count the same.</param>
internal readonly record struct PixelBatch(Tensor Pixels, Tensor Labels, Tensor? Weights)
{
    /// <summary>How many rows there are.</summary>
    public int Count => (int)Labels.shape[0];

    /// <summary>Copies some rows.</summary>
    /// <param name="rows">Indices of rows.</param>
    /// <returns>The rows; the caller owns their tensors.</returns>
    public PixelBatch Take(ArraySegment<long> rows)
    {
        using var indices = tensor(rows.AsMemory(), [rows.Count], device: Pixels.device);
        return new(Pixels.index_select(0, indices), Labels.index_select(0, indices), Weights?.index_select(0, indices));
    }

    /// <summary>A view of consecutive rows; the caller disposes its tensors.</summary>
    public PixelBatch Slice(int first, int count) => new(Pixels.narrow(0, first, count), Labels.narrow(0, first, count), Weights?.narrow(0, first, count));
}
