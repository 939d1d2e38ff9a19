namespace Microsoft.ML.ResNet.Cpu.Training;

/// <summary>
/// The order in which sums of shards are added: pairwise, as a tree. Whoever has some shards in a row adds up the largest subtrees in them,
/// and the sum of all comes out the same, bit for bit, however the shards are divided.
/// </summary>
internal static class ShardTree
{
    /// <summary>Shards in a row.</summary>
    /// <param name="First">The first.</param>
    /// <param name="End">The one behind the last.</param>
    public readonly record struct Node(int First, int End)
    {
        /// <summary>How many shards there are.</summary>
        public int Count => End - First;

        /// <summary>Where the two halves meet; the first has a power of two.</summary>
        public int Middle => First + (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Count) / 2;
    }

    /// <summary>Additions that wait for one another at most: sums that are kept at the same time, but one.</summary>
    public static int Depth(int shards)
        => System.Numerics.BitOperations.Log2(System.Numerics.BitOperations.RoundUpToPowerOf2((uint)shards));

    /// <summary>The largest subtrees that lie in some shards in a row, from the first to the last.</summary>
    /// <param name="shards">All shards.</param>
    /// <param name="within">Those in a row.</param>
    public static IReadOnlyList<Node> Largest(int shards, Node within)
    {
        var found = new List<Node>();
        Visit(new Node(0, shards));
        return found;

        void Visit(Node node)
        {
            if (node.First >= within.End || node.End <= within.First)
                return;
            if (node.First >= within.First && node.End <= within.End)
            {
                found.Add(node);
                return;
            }
            Visit(node with { End = node.Middle });
            Visit(node with { First = node.Middle });
        }
    }
}
