using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Data;

/// <summary>
/// A set in two parts: what is learnt from, and what is held out to choose the best epoch by. The set keeps the pixels; dispose it after
/// its parts.
/// </summary>
/// <param name="Train">The rows to learn from. Mean and deviation are theirs alone, as if the others had never been read.</param>
/// <param name="Validation">The rows that are held out.</param>
internal sealed record ValidationSplit(LabeledImageSet Train, LabeledImageSet Validation) : IDisposable
{
    private const int RowsAtATime = 256;
    private const long BytesAtATime = 64 * ImageMemory.MiB;

    /// <summary>Divides a set without copying its pixels.</summary>
    /// <param name="set">The set, on the CPU.</param>
    /// <param name="fraction">The part of each class to hold out, in (0, 1).</param>
    /// <param name="seed">Decides which rows.</param>
    /// <returns>The parts; <see langword="null"/> if no class has a row to spare.</returns>
    public static ValidationSplit? Of(LabeledImageSet set, double fraction, int seed)
    {
        var (train, held) = StratifiedRows.Split([.. set.Store.Labels.data<long>()], fraction, seed);
        return held.Length == 0 ? null : new ValidationSplit(Part(set, train), Part(set, held));
    }

    /// <summary>Frees what the parts have of their own.</summary>
    public void Dispose()
    {
        Train.Dispose();
        Validation.Dispose();
    }

    private static LabeledImageSet Part(LabeledImageSet set, long[] rows)
    {
        var part = set.Store.Subset(rows);
        var statistics = new ChannelStatistics(set.StoredShape);
        var atATime = (int)Math.Clamp(BytesAtATime / set.StoredShape.Size, 1, RowsAtATime);
        for (var first = 0; first < rows.Length; first += atATime)
        {
            using var scope = NewDisposeScope();
            var pixels = part.PixelsOf(first, Math.Min(atATime, rows.Length - first)).bytes;
            for (; pixels.Length > 0; pixels = pixels[set.StoredShape.Size..])
                statistics.Add(pixels[..set.StoredShape.Size]);
        }
        var rowsPerClass = new int[set.RowsPerClass.Count];
        foreach (var label in part.Labels.data<long>())
            rowsPerClass[label]++;
        return new LabeledImageSet(part, set.Shape, statistics.Measure(), rowsPerClass) { KeptShape = set.KeptShape };
    }
}
