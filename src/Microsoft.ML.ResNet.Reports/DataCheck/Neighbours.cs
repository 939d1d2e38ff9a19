using System.Runtime.Intrinsics;

namespace Microsoft.ML.ResNet.Reports.DataCheck;

/// <summary>
/// The nearest of many vectors by the cosine of the angle, for each of them: every pair is looked at, a block at a time, so that memory
/// grows with the vectors and not with the pairs.
/// </summary>
/// <param name="Index">For each vector its neighbours, the nearest first; -1 where there are fewer.</param>
/// <param name="Cosine">How near they are: 1 for the same direction.</param>
/// <param name="Count">Neighbours of each vector.</param>
internal sealed record Neighbours(int[] Index, float[] Cosine, int Count)
{
    private const int Rows = 32; // of a block: with 512 numbers each, they stay in the first cache
    private const int Columns = 256;

    /// <summary>The neighbours of a vector.</summary>
    public ReadOnlySpan<int> Of(int vector) => Index.AsSpan(vector * Count, Count);

    /// <summary>How near they are.</summary>
    public ReadOnlySpan<float> CosinesOf(int vector) => Cosine.AsSpan(vector * Count, Count);

    /// <summary>Finds them.</summary>
    /// <param name="queries">Vectors of length 1, one after the other.</param>
    /// <param name="unit">Those among which to look, as many; the one of the same place is left out.</param>
    /// <param name="width">Numbers of each.</param>
    /// <param name="count">How many neighbours to keep of each.</param>
    /// <param name="progress">Is told how many vectors are done.</param>
    /// <param name="cancellation">Stops before the next block.</param>
    public static Neighbours Find(float[] queries, float[] unit, int width, int count, Action<int>? progress,
        CancellationToken cancellation)
    {
        var vectors = unit.Length / width;
        var found = new Neighbours(new int[vectors * count], new float[vectors * count], count);
        found.Index.AsSpan().Fill(-1);
        found.Cosine.AsSpan().Fill(float.NegativeInfinity);
        var done = 0;
        Parallel.For(0, (vectors + Rows - 1) / Rows, new ParallelOptions
        {
            CancellationToken = cancellation,
            MaxDegreeOfParallelism = Environment.ProcessorCount,
        }, block =>
        {
            var (first, end) = (block * Rows, Math.Min(vectors, (block + 1) * Rows));
            for (var from = 0; from < vectors; from += Columns)
                found.Take(queries, unit, width, first, end, from, Math.Min(vectors, from + Columns));
            progress?.Invoke(Interlocked.Add(ref done, end - first));
        });
        return found;
    }

    private void Take(float[] queries, float[] unit, int width, int first, int end, int from, int to)
    {
        Span<float> products = stackalloc float[4];
        for (var column = from; column < to; column += 4)
            for (var row = first; row < end; row++)
            {
                Products(queries, unit, width, row, column, products);
                for (var i = 0; i < 4 && column + i < to; i++)
                    if (column + i != row)
                        Insert(row, column + i, products[i]);
            }
    }

    /// <summary>One vector's products with four others; beyond the last, with the last.</summary>
    private static void Products(float[] queries, float[] unit, int width, int row, int column, Span<float> products)
    {
        var last = unit.Length / width - 1;
        ref var a = ref queries[row * width];
        ref var b0 = ref unit[column * width];
        ref var b1 = ref unit[Math.Min(last, column + 1) * width];
        ref var b2 = ref unit[Math.Min(last, column + 2) * width];
        ref var b3 = ref unit[Math.Min(last, column + 3) * width];
        Vector512<float> s0 = default, s1 = default, s2 = default, s3 = default;
        nuint i = 0;
        for (; i + 16 <= (nuint)width; i += 16)
        {
            var x = Vector512.LoadUnsafe(ref a, i);
            s0 = Vector512.FusedMultiplyAdd(x, Vector512.LoadUnsafe(ref b0, i), s0);
            s1 = Vector512.FusedMultiplyAdd(x, Vector512.LoadUnsafe(ref b1, i), s1);
            s2 = Vector512.FusedMultiplyAdd(x, Vector512.LoadUnsafe(ref b2, i), s2);
            s3 = Vector512.FusedMultiplyAdd(x, Vector512.LoadUnsafe(ref b3, i), s3);
        }
        (products[0], products[1], products[2], products[3])
            = (Vector512.Sum(s0), Vector512.Sum(s1), Vector512.Sum(s2), Vector512.Sum(s3));
        for (var rest = (int)i; rest < width; rest++)
            for (var other = 0; other < 4; other++)
                products[other] += queries[row * width + rest] * unit[Math.Min(last, column + other) * width + rest];
    }

    // Sorted by insertion: almost every product is smaller than the last one kept.
    private void Insert(int vector, int neighbour, float cosine)
    {
        var indices = Index.AsSpan(vector * Count, Count);
        var cosines = Cosine.AsSpan(vector * Count, Count);
        if (cosine <= cosines[^1])
            return;
        var place = Count - 1;
        for (; place > 0 && cosines[place - 1] < cosine; place--)
            (indices[place], cosines[place]) = (indices[place - 1], cosines[place - 1]);
        (indices[place], cosines[place]) = (neighbour, cosine);
    }

    /// <summary>Scales vectors to length 1, in place; a vector of zeros stays one.</summary>
    public static float[] Unit(float[] vectors, int width)
    {
        for (var start = 0; start < vectors.Length; start += width)
        {
            var vector = vectors.AsSpan(start, width);
            var sum = 0.0;
            foreach (var value in vector)
                sum += value * (double)value;
            var scale = sum > 0 ? (float)(1 / Math.Sqrt(sum)) : 0;
            foreach (ref var value in vector)
                value *= scale;
        }
        return vectors;
    }
}
