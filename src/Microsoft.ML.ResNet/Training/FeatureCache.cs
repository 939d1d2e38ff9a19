using System.Globalization;
using Microsoft.ML.ResNet.Data;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Training;

/// <summary>
/// What frozen layers make of images, computed once, before the first epoch, and kept: in memory as far as the budget goes, and else in a
/// temporary file. Where neither can hold it, the layers are computed anew in every epoch, and the log says so.
/// </summary>
/// <param name="frozen">The layers.</param>
/// <param name="memory">How much memory their outputs may take.</param>
/// <param name="imagesAtATime">Images that pass the layers together; at least 1.</param>
/// <param name="total">All images that are to be computed, for reports.</param>
/// <param name="events">Who wants to know.</param>
/// <param name="processes">
/// Processes that each compute and keep what is made of the images that they keep; <see langword="null"/>, the default, is one.
/// </param>
internal sealed class FeatureCache(FrozenLayers frozen, ImageMemory memory, int imagesAtATime, long total, TrainingEvents events,
    ProcessGroup? processes = null) : IDisposable
{
    private readonly List<PixelStore> _stores = [];
    private readonly ImageMemory _all = memory;
    private ImageMemory _memory = memory;
    private long _done;

    /// <summary>Computes a set.</summary>
    /// <param name="images">The set.</param>
    /// <param name="what">Its name in the log, such as <c>training images</c>.</param>
    /// <param name="order">All its rows, batch by batch.</param>
    /// <param name="pixelsOf">
    /// The pixels of a batch, of those rows of it that shares name this process's; which batch of the order it is, from 0, comes with it.
    /// </param>
    /// <returns>The set; <see langword="null"/> if it cannot be kept.</returns>
    public LayerInput? Compute(PixelStore images, string what, IEnumerable<ArraySegment<long>> order,
        Func<ArraySegment<long>, RowShares?, int, Tensor> pixelsOf)
    {
        if (processes is not null && images.Owners is { } owners)
            return ComputeShared(images, what, order, pixelsOf, owners, processes);
        FeatureRows? rows = null;
        try
        {
            var step = 0;
            foreach (var batch in images.ReadAhead(order))
            {
                using var scope = NewDisposeScope();
                var pixels = pixelsOf(batch, null, step++);
                for (var first = 0; first < batch.Count; first += imagesAtATime)
                {
                    events.BeforeBatch();
                    var piece = batch.Slice(first, Math.Min(imagesAtATime, batch.Count - first));
                    using var pieceScope = NewDisposeScope();
                    var features = InOrder(frozen.Run(pixels.narrow(0, first, piece.Count)));
                    if (!TryKeep(ref rows, images.Count, what, piece, features))
                        return null;
                    events.FeaturesComputed?.Invoke(_done += piece.Count, total);
                }
            }
            return Kept(rows!.Build(images), images);
        }
        finally
        {
            rows?.Dispose();
        }
    }

    /// <summary>Frees what is kept, and goes on with the memory and the disk of the beginning.</summary>
    public void Clear()
    {
        Dispose();
        _memory = _all;
    }

    /// <summary>Frees what is kept.</summary>
    public void Dispose()
    {
        for (var store = _stores.Count - 1; store >= 0; store--)
            _stores[store].Dispose();
        _stores.Clear();
    }

    // Each process computes what it keeps the images of, and keeps that. Where one has no room, none keeps anything.
    private LayerInput? ComputeShared(PixelStore images, string what, IEnumerable<ArraySegment<long>> order,
        Func<ArraySegment<long>, RowShares?, int, Tensor> pixelsOf, RowOwners owners, ProcessGroup processes)
    {
        FeatureRows? rows = null;
        try
        {
            var (step, count) = (0, owners.CountOf(processes.Rank));
            foreach (var batch in images.ReadAhead(order))
            {
                events.BeforeBatch();
                using var scope = NewDisposeScope();
                var pixels = pixelsOf(batch, owners.Shares(batch, processes.Size, processes.Rank), step++);
                var (kept, isKept) = (owners.PlacesAt(processes.Rank, batch), true);
                for (var first = 0; isKept && first < kept.Count; first += imagesAtATime)
                {
                    using var pieceScope = NewDisposeScope();
                    var piece = kept.Slice(first, Math.Min(imagesAtATime, kept.Count - first));
                    isKept = TryKeep(ref rows, count, what, piece, InOrder(frozen.Run(pixels.narrow(0, first, piece.Count))));
                }
                if (isKept && rows is null) // a process that keeps none so far learns the sizes
                    isKept = TryKeep(ref rows, count, what, ArraySegment<long>.Empty, InOrder(frozen.Run(pixels)));
                if (processes.Any(!isKept))
                    return null;
                events.FeaturesComputed?.Invoke(_done += batch.Count, total);
            }
            using var building = NewDisposeScope();
            var row = rows!.Row;
            return Kept(new DistributedPixelStore(rows.Build(images), owners, row, processes, images.Labels.cpu().alias(),
                images.Weights?.cpu().alias(), pictures: null), images);
        }
        finally
        {
            rows?.Dispose();
        }
    }

    private bool TryKeep(ref FeatureRows? rows, int count, string what, ArraySegment<long> piece, Tensor features)
    {
        try
        {
            rows ??= Begin(count, what, features.shape[1..]);
            rows.Write(piece, features);
            return true;
        }
        catch (IOException e)
        {
            events.Warning?.Invoke($"What the frozen layers make of the {what} cannot be kept, and is computed anew in every epoch, which "
                + $"takes more time; with CachedViews every epoch then has views of its own. {e.Message}");
            return false;
        }
    }

    private FeatureRows Begin(int count, string what, long[] sizes)
    {
        var rows = new FeatureRows(count, sizes, _memory);
        var place = rows.IsInMemory ? "memory" : $"a temporary file in '{_memory.Folder}'";
        events.Info?.Invoke(string.Create(CultureInfo.InvariantCulture,
            $"Features of {count} {what} ({rows.Row.Bytes / sizeof(float)} numbers each, {Megabytes(count, rows.Row):0.0} MiB) are ")
            + $"computed once and kept in {place}.");
        return rows;
    }

    private LayerInput Kept(PixelStore store, PixelStore images)
    {
        _stores.Add(store);
        _memory = _memory.Beside(store);
        if (images.Labels.device_type != TorchSharp.DeviceType.CPU)
            _stores.Add(store = store.To(images.Labels.device));
        return new LayerInput(store, AsInput);
    }

    private static double Megabytes(int count, StoredRow row) => (double)count * row.Bytes / ImageMemory.MiB;

    // (n, C, H, W) in channels-last memory is (n, H, W, C) to whoever copies it, and back.
    private static Tensor InOrder(Tensor features) => (features.dim() == 4 ? features.permute(0, 2, 3, 1) : features).contiguous().cpu();

    private static Tensor AsInput(Tensor rows) => rows.dim() == 4 ? rows.permute(0, 3, 1, 2) : rows.alias();
}
