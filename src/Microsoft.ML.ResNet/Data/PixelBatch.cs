using Microsoft.ML.ResNet.Network.Torch;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Data;

/// <summary>Some rows of a <see cref="PixelStore"/>.</summary>
/// <param name="Pixels">uint8, (n, C, H, W); in a store of features float32, as <see cref="FeatureRows"/> holds them.</param>
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
        using var indices = tensor(rows.AsMemory(), [rows.Count]).SentTo(Pixels.device);
        return new(Pixels.index_select(0, indices), Labels.index_select(0, indices), Weights?.index_select(0, indices));
    }

    /// <summary>A view of consecutive rows; the caller disposes its tensors.</summary>
    public PixelBatch Slice(int first, int count)
        => new(Pixels.narrow(0, first, count), Labels.narrow(0, first, count), Weights?.narrow(0, first, count));
}
