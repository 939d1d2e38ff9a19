using Microsoft.ML.ResNet.Cpu.Kernels;

namespace Microsoft.ML.ResNet.Cpu.Training;

/// <summary>
/// Adds up the gradients of weights over all processes, in the order of the <see cref="ShardTree"/>, for all convolutions at once: each
/// process gets a slice of what everybody's subtrees have gathered, adds it up, and hands the sum to all. A reduction of MPI's own would
/// add in an order that depends on how many processes there are.
/// </summary>
/// <param name="shards">Who computes what.</param>
/// <param name="convolutions">What is trained.</param>
internal sealed unsafe class GradientSum(ShardGroup shards, IReadOnlyList<TrainingConvolution> convolutions) : IDisposable
{
    private readonly NativeBuffer _send = new(), _received = new(), _sums = new();
    private readonly int _length = checked((int)convolutions.Sum(convolution => convolution.SumsLength));

    /// <summary>Adds up, and gives every convolution its sums.</summary>
    /// <param name="team">Threads to add with.</param>
    public void Run(WorkerTeam team)
    {
        var nodes = Enumerable.Range(0, shards.Size).Select(rank => ShardTree.Largest(shards.Shards, shards.OfRank(rank))).ToArray();
        var own = nodes[shards.Rank];
        var slices = Enumerable.Range(0, shards.Size).Select(SliceOf).ToArray();
        int[] sent = [.. slices.Select(slice => checked(slice.Count * own.Count))];
        int[] received = [.. nodes.Select(others => checked(slices[shards.Rank].Count * others.Count))];
        _send.EnsureLength(sent.Sum());
        _received.EnsureLength(received.Sum());
        _sums.EnsureLength(_length);

        var target = _send.Pointer;
        foreach (var slice in slices)
            for (var node = 0; node < own.Count; node++, target += slice.Count)
                CopySlice(node, slice.First, slice.Count, target);
        shards.Exchange(new(_send.Pointer, sent.Sum()), sent, new(_received.Pointer, received.Sum()), received);
        AddUp(nodes, slices[shards.Rank].Count, team);
        shards.Gather(new ReadOnlySpan<float>(_received.Pointer, slices[shards.Rank].Count), new Span<float>(_sums.Pointer, _length),
            [.. slices.Select(slice => slice.Count)]);
        var firsts = Firsts();
        team.Run(convolutions.Count, (index, _) => convolutions[^(index + 1)].AddWeights(_sums.Pointer + firsts[^(index + 1)]));
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        _send.Dispose();
        _received.Dispose();
        _sums.Dispose();
    }

    private (int First, int Count) SliceOf(int rank)
    {
        var first = Part(_length, rank, shards.Size);
        return (first, Part(_length, rank + 1, shards.Size) - first);
    }

    // Where a part begins; all are of sixteens, which the kernels add.
    private static int Part(int length, int part, int parts) => (int)((long)(length / 16) * part / parts) * 16;

    private long[] Firsts()
    {
        var firsts = new long[convolutions.Count];
        for (var index = 1; index < firsts.Length; index++)
            firsts[index] = firsts[index - 1] + convolutions[index - 1].SumsLength;
        return firsts;
    }

    // A part of what all convolutions have gathered in a subtree, one behind the other.
    private void CopySlice(int node, long first, long count, float* target)
    {
        foreach (var convolution in convolutions)
        {
            var length = Math.Min(convolution.SumsLength - first, count);
            if (length > 0)
            {
                NativeBuffer.Copy(convolution.NodeSums(node) + first, target, length);
                target += length;
                count -= length;
                first += length;
            }
            first -= convolution.SumsLength;
            if (count == 0)
                return;
        }
    }

    // What was received lies in the order of shards, subtree by subtree; the sum ends in the first.
    private void AddUp(IReadOnlyList<ShardTree.Node>[] nodes, int count, WorkerTeam team)
    {
        ShardTree.Node[] all = [.. nodes.SelectMany(others => others)];
        const int Pieces = 16;
        team.Run(Pieces, (piece, _) =>
        {
            var (first, end) = (Part(count, piece, Pieces), Part(count, piece + 1, Pieces));
            Add(new ShardTree.Node(0, shards.Shards));

            float* Add(ShardTree.Node node)
            {
                if (Array.IndexOf(all, node) is var index and >= 0)
                    return _received.Pointer + (long)index * count + first;
                var (sum, other) = ((nint)Add(node with { End = node.Middle }), (nint)Add(node with { First = node.Middle }));
                ChannelKernels.Add((float*)other, end - first, (float*)sum);
                return (float*)sum;
            }
        });
    }
}
