using System.Runtime.InteropServices;

namespace Microsoft.ML.ResNet.Cpu.Training;

/// <summary>
/// The shards of every batch, and who computes which: all of them one process, or each of several some in a row. Sums of shards go from
/// each to all, and are then added in one order everywhere.
/// </summary>
/// <param name="shards">Shards of a batch; at least 1, and as many as there are processes.</param>
/// <param name="processes">The processes; <see langword="null"/> for one.</param>
internal sealed class ShardGroup(int shards, ProcessGroup? processes = null)
{
    /// <summary>Shards that a batch is cut into where nobody says more.</summary>
    public const int DefaultShards = 8;

    /// <summary>Shards of a batch.</summary>
    public int Shards => shards;

    /// <summary>The processes, where there are several.</summary>
    public ProcessGroup? Processes => processes is { Size: > 1 } ? processes : null;

    /// <summary>How many processes there are.</summary>
    public int Size => processes?.Size ?? 1;

    /// <summary>Which of them this is.</summary>
    public int Rank => processes?.Rank ?? 0;

    /// <summary>The shards of this process.</summary>
    public ShardTree.Node Own => OfRank(Rank);

    /// <summary>The shards of a process.</summary>
    public ShardTree.Node OfRank(int rank) => new(shards * rank / Size, shards * (rank + 1) / Size);

    /// <summary>The first image of a shard; shards are as even as they can be.</summary>
    /// <param name="images">Images in the batch.</param>
    /// <param name="shard">Which shard; that behind the last is allowed.</param>
    public int FirstImage(int images, int shard) => (int)((long)images * shard / shards);

    /// <summary>The images of a process.</summary>
    public (int First, int Count) ImagesOf(int images, int rank)
    {
        var (own, first) = (OfRank(rank), FirstImage(images, OfRank(rank).First));
        return (first, FirstImage(images, own.End) - first);
    }

    /// <summary>Completes what each process has of its shards.</summary>
    /// <param name="values">For each shard as many values.</param>
    public void Complete(double[] values)
    {
        if (processes is null)
            return;
        var lengths = new int[Size];
        var bytes = values.Length / shards * sizeof(double);
        for (var rank = 0; rank < Size; rank++)
            lengths[rank] = OfRank(rank).Count * bytes;
        var all = MemoryMarshal.AsBytes(values.AsSpan());
        processes.AllGather(all.Slice(Own.First * bytes, lengths[Rank]).ToArray(), all, lengths);
    }

    /// <summary>Gathers what each process has of its images.</summary>
    /// <param name="own">For each of its images as many values.</param>
    /// <param name="all">Receives those of all images.</param>
    /// <param name="images">Images in the batch.</param>
    public void Gather(ReadOnlySpan<float> own, Span<float> all, int images)
    {
        if (processes is null)
        {
            own.CopyTo(all);
            return;
        }
        var (lengths, bytes) = (new int[Size], images == 0 ? 0 : all.Length / images * sizeof(float));
        for (var rank = 0; rank < Size; rank++)
            lengths[rank] = checked(ImagesOf(images, rank).Count * bytes);
        processes.AllGather(MemoryMarshal.AsBytes(own), MemoryMarshal.AsBytes(all), lengths);
    }

    /// <summary>Sends every process what is meant for it; see <see cref="ProcessGroup.AllToAll"/>. Not for one process.</summary>
    public void Exchange(ReadOnlySpan<float> send, ReadOnlySpan<int> sendLengths, Span<float> receive, ReadOnlySpan<int> receiveLengths)
        => processes!.AllToAll(MemoryMarshal.AsBytes(send), Bytes(sendLengths), MemoryMarshal.AsBytes(receive), Bytes(receiveLengths));

    /// <summary>Hands what each process has to all; see <see cref="ProcessGroup.AllGather"/>. Not for one process.</summary>
    public void Gather(ReadOnlySpan<float> own, Span<float> all, ReadOnlySpan<int> lengths)
        => processes!.AllGather(MemoryMarshal.AsBytes(own), MemoryMarshal.AsBytes(all), Bytes(lengths));

    private static int[] Bytes(ReadOnlySpan<int> floats)
    {
        var bytes = new int[floats.Length];
        for (var i = 0; i < bytes.Length; i++)
            bytes[i] = checked(floats[i] * sizeof(float));
        return bytes;
    }
}
