using System.Runtime.InteropServices;

namespace Microsoft.ML.ResNet;

/// <content>Numbers that come together, and their sums.</content>
public abstract partial class ProcessGroup
{
    /// <summary>Hands equally many numbers of each process to all.</summary>
    /// <param name="own">Those of this one.</param>
    /// <returns>For each rank, what it had.</returns>
    internal double[][] GatherAll(ReadOnlySpan<double> own)
    {
        var lengths = new int[Size];
        Array.Fill(lengths, checked(own.Length * sizeof(double)));
        var all = new double[checked(own.Length * Size)];
        AllGather(MemoryMarshal.AsBytes(own), MemoryMarshal.AsBytes(all.AsSpan()), lengths);
        return own.Length == 0 ? [.. lengths.Select(_ => Array.Empty<double>())] : [.. all.Chunk(own.Length)];
    }

    /// <summary>
    /// Adds up what all processes have, in the order of their ranks, so that all have the same sums to the last bit: each gets a slice of
    /// everybody's values, adds it up, and hands it to all.
    /// </summary>
    /// <param name="values">As many in every process; the sums take their place.</param>
    internal void AddUp(Span<float> values)
    {
        var length = values.Length;
        int[] slices = [.. Enumerable.Range(0, Size).Select(rank => (int)((long)length * (rank + 1) / Size - (long)length * rank / Size))];
        var (own, bytes) = (slices[Rank], Array.ConvertAll(slices, count => checked(count * sizeof(float))));
        var received = new float[checked(own * Size)];
        var each = new int[Size];
        Array.Fill(each, bytes[Rank]);
        AllToAll(MemoryMarshal.AsBytes(values), bytes, MemoryMarshal.AsBytes(received.AsSpan()), each);
        for (var index = 0; index < own; index++)
        {
            var sum = 0.0;
            for (var rank = 0; rank < Size; rank++)
                sum += received[rank * own + index];
            received[index] = (float)sum;
        }
        AllGather(MemoryMarshal.AsBytes(received.AsSpan(0, own)), MemoryMarshal.AsBytes(values), bytes);
    }
}
