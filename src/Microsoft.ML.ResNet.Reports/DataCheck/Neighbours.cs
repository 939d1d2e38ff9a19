using System.Numerics;
using System.Runtime.CompilerServices;

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
    private const int Rows = 32; // of a block: with 192 numbers each, they stay in the caches beside a tile
    private const int Together = 4; // rows whose products are computed together, with the columns of a tile

    private static readonly int Lanes = Vector<float>.Count, Tile = 2 * Lanes;

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
        var tiles = Tiles(unit, width);
        var done = 0;
        Parallel.For(0, (vectors + Rows - 1) / Rows, new ParallelOptions
        {
            CancellationToken = cancellation,
            MaxDegreeOfParallelism = Environment.ProcessorCount,
        }, block =>
        {
            var (first, end) = (block * Rows, Math.Min(vectors, (block + 1) * Rows));
            Span<float> products = stackalloc float[Together * Tile];
            for (var column = 0; column < vectors; column += Tile)
                for (var row = first; row < end; row += Together)
                {
                    Products(queries, width, row, ref tiles[column * width], products);
                    for (var i = 0; i < Together && row + i < end; i++)
                        found.Take(row + i, column, products.Slice(i * Tile, Tile));
                }
            progress?.Invoke(Interlocked.Add(ref done, end - first));
        });
        return found;
    }

    /// <summary>Vectors side by side, <see cref="Tile"/> of them: their first numbers, their second ones, and so on.</summary>
    private static float[] Tiles(float[] unit, int width)
    {
        var vectors = unit.Length / width;
        var tiles = new float[(vectors + Tile - 1) / Tile * Tile * width];
        for (var vector = 0; vector < vectors; vector++)
        {
            var (tile, place) = Math.DivRem(vector, Tile);
            for (var i = 0; i < width; i++)
                tiles[(tile * width + i) * Tile + place] = unit[vector * width + i];
        }
        return tiles;
    }

    /// <summary>Products of four vectors with all of a tile; beyond the last, of the last.</summary>
    private static void Products(float[] queries, int width, int row, ref float tile, Span<float> products)
    {
        var last = queries.Length / width - 1;
        ref var a0 = ref queries[row * width];
        ref var a1 = ref queries[Math.Min(last, row + 1) * width];
        ref var a2 = ref queries[Math.Min(last, row + 2) * width];
        ref var a3 = ref queries[Math.Min(last, row + 3) * width];
        Vector<float> s00 = default, s01 = default, s10 = default, s11 = default;
        Vector<float> s20 = default, s21 = default, s30 = default, s31 = default;
        for (var i = 0; i < width; i++)
        {
            var (b0, b1) = (Vector.LoadUnsafe(ref tile, (nuint)(i * Tile)), Vector.LoadUnsafe(ref tile, (nuint)(i * Tile + Lanes)));
            var a = new Vector<float>(Unsafe.Add(ref a0, i));
            (s00, s01) = (Vector.FusedMultiplyAdd(a, b0, s00), Vector.FusedMultiplyAdd(a, b1, s01));
            a = new Vector<float>(Unsafe.Add(ref a1, i));
            (s10, s11) = (Vector.FusedMultiplyAdd(a, b0, s10), Vector.FusedMultiplyAdd(a, b1, s11));
            a = new Vector<float>(Unsafe.Add(ref a2, i));
            (s20, s21) = (Vector.FusedMultiplyAdd(a, b0, s20), Vector.FusedMultiplyAdd(a, b1, s21));
            a = new Vector<float>(Unsafe.Add(ref a3, i));
            (s30, s31) = (Vector.FusedMultiplyAdd(a, b0, s30), Vector.FusedMultiplyAdd(a, b1, s31));
        }
        s00.CopyTo(products);
        s01.CopyTo(products[Lanes..]);
        s10.CopyTo(products[Tile..]);
        s11.CopyTo(products[(Tile + Lanes)..]);
        s20.CopyTo(products[(2 * Tile)..]);
        s21.CopyTo(products[(2 * Tile + Lanes)..]);
        s30.CopyTo(products[(3 * Tile)..]);
        s31.CopyTo(products[(3 * Tile + Lanes)..]);
    }

    // Almost every product is smaller than the last one kept.
    private void Take(int row, int column, ReadOnlySpan<float> products)
    {
        var least = new Vector<float>(Cosine[(row + 1) * Count - 1]);
        if (!Vector.GreaterThanAny(new Vector<float>(products), least)
            && !Vector.GreaterThanAny(new Vector<float>(products[Lanes..]), least))
            return;
        var vectors = Index.Length / Count;
        for (var i = 0; i < Tile && column + i < vectors; i++)
            if (column + i != row)
                Insert(row, column + i, products[i]);
    }

    // Sorted by insertion.
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
