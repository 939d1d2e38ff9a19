using System.Numerics;

namespace Microsoft.ML.ResNet.Reports.DataCheck;

/// <summary>
/// The hash pHash of Zauner's thesis (2010): the signs of an image's 64 lowest frequencies around their median. Images that look alike
/// differ in few bits; brightness, contrast and compression change almost none.
/// </summary>
internal static class PerceptualHash
{
    /// <summary>Rows and columns of the image that is hashed.</summary>
    public const int Side = 32;

    private const int Frequencies = 8;

    private static readonly float[] Cosines =
        [.. from frequency in Enumerable.Range(0, Frequencies)
            from place in Enumerable.Range(0, Side)
            select (float)Math.Cos(Math.PI * frequency * (2 * place + 1) / (2 * Side))];

    /// <summary>Hashes an image.</summary>
    /// <param name="grey">Its <see cref="Side"/> x <see cref="Side"/> grey values, row by row.</param>
    /// <returns>One bit for each frequency, the lowest first; the mean grey is the first bit and counts as any other.</returns>
    public static ulong Of(ReadOnlySpan<float> grey)
    {
        Span<float> rows = stackalloc float[Side * Frequencies], spectrum = stackalloc float[Frequencies * Frequencies];
        for (var y = 0; y < Side; y++)
            for (var frequency = 0; frequency < Frequencies; frequency++)
                rows[frequency * Side + y] = Dot(grey.Slice(y * Side, Side), Cosine(frequency));
        for (var v = 0; v < Frequencies; v++)
            for (var u = 0; u < Frequencies; u++)
                spectrum[v * Frequencies + u] = Dot(rows.Slice(u * Side, Side), Cosine(v));
        Span<float> sorted = stackalloc float[spectrum.Length];
        spectrum.CopyTo(sorted);
        sorted.Sort();
        var median = (sorted[sorted.Length / 2 - 1] + sorted[sorted.Length / 2]) / 2;
        var hash = 0UL;
        for (var bit = 0; bit < spectrum.Length; bit++)
            if (spectrum[bit] > median)
                hash |= 1UL << bit;
        return hash;
    }

    /// <summary>In how many bits two hashes differ.</summary>
    public static int Distance(ulong one, ulong other) => BitOperations.PopCount(one ^ other);

    private static ReadOnlySpan<float> Cosine(int frequency) => Cosines.AsSpan(frequency * Side, Side);

    private static float Dot(ReadOnlySpan<float> one, ReadOnlySpan<float> other)
    {
        var sum = 0f;
        for (var i = 0; i < one.Length; i++)
            sum += one[i] * other[i];
        return sum;
    }
}
