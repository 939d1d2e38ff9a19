using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Images;

/// <summary>
/// A set in two parts: what is learnt from, and what is held out to choose the best epoch by. Both are views of the set's memory; the set
/// itself stays its owner's, but its rows have another order now.
/// </summary>
/// <param name="Train">The rows to learn from. Mean and deviation are theirs alone, as if the others had never been read.</param>
/// <param name="Validation">The rows that are held out.</param>
internal sealed record ValidationSplit(LabeledImageSet Train, LabeledImageSet Validation) : IDisposable
{
    /// <summary>Divides a set, in place: the rows that are held out go to its end, so that no pixel is kept twice.</summary>
    /// <param name="set">The set, on the CPU.</param>
    /// <param name="fraction">The part of each class to hold out, in (0, 1).</param>
    /// <param name="seed">Decides which rows.</param>
    /// <returns>The parts; <see langword="null"/> if no class has a row to spare.</returns>
    public static ValidationSplit? Of(LabeledImageSet set, double fraction, int seed)
    {
        var (train, held) = StratifiedRows.Split([.. set.Store.Labels.data<long>()], fraction, seed);
        if (held.Length == 0)
            return null;
        long[] order = [.. train, .. held];
        RearrangeImages(set.Store.Pixels, order);
        Rearrange<long>(set.Store.Labels, order);
        if (set.Store.Weights is { } weights)
            Rearrange<float>(weights, order);
        return new ValidationSplit(Part(set, 0, train.Length), Part(set, train.Length, held.Length));
    }

    /// <summary>Frees the views.</summary>
    public void Dispose()
    {
        Train.Dispose();
        Validation.Dispose();
    }

    private static LabeledImageSet Part(LabeledImageSet set, int first, int count)
    {
        var part = set.Store.Slice(first, count);
        var statistics = new ChannelStatistics(set.Shape);
        for (var row = 0; row < count; row++)
            statistics.Add(Row(part.Pixels, row));
        var rowsPerClass = new int[set.RowsPerClass.Count];
        foreach (var label in part.Labels.data<long>())
            rowsPerClass[label]++;
        return new LabeledImageSet(new PixelStore(part.Pixels, part.Labels, part.Weights is { } weights ? OneOnAverage(weights) : null), set.Shape, statistics.Measure(), rowsPerClass);
    }

    private static Tensor OneOnAverage(Tensor weights)
    {
        using (weights)
            return tensor(PixelStoreBuilder.Relative([.. weights.data<float>()]));
    }

    // Along the cycles of the permutation, with a single image aside: a copy of the set may not fit into memory.
    private static void RearrangeImages(Tensor images, long[] order)
    {
        var aside = new byte[Row(images, 0).Length];
        var isInPlace = new bool[order.Length];
        for (var start = 0L; start < order.Length; start++)
        {
            if (isInPlace[start])
                continue;
            Row(images, start).CopyTo(aside);
            var place = start;
            for (; order[place] != start; place = order[place])
            {
                Row(images, order[place]).CopyTo(Row(images, place));
                isInPlace[place] = true;
            }
            aside.CopyTo(Row(images, place));
            isInPlace[place] = true;
        }
    }

    private static void Rearrange<T>(Tensor values, long[] order) where T : unmanaged
    {
        var span = MemoryMarshal.Cast<byte, T>(values.bytes);
        var before = span.ToArray();
        for (var place = 0; place < order.Length; place++)
            span[place] = before[order[place]];
    }

    // Row by row, because Tensor.bytes reaches 2 GiB at most. The memory is the whole tensor's and outlives the view.
    private static Span<byte> Row(Tensor rows, long row)
    {
        using var view = rows.narrow(0, row, 1);
        return view.bytes;
    }
}
