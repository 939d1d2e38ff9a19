using System.Numerics;
using System.Runtime.CompilerServices;
using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Data;

/// <summary>Mean and deviation of each channel over many images, from sums that are exact.</summary>
/// <param name="shape">The shape of every image.</param>
internal sealed class ChannelStatistics(ImageShape shape)
{
    // What the lanes of a vector hold at most before they are emptied: 128 times two bytes in 16 bits, 128 times four squares of bytes in
    // 32.
    private const int VectorsPerBlock = 128;

    private readonly long[] _sums = new long[shape.Channels];
    private readonly long[] _squares = new long[shape.Channels];
    private long _images;

    /// <summary>How many images were counted.</summary>
    public long Images => _images;

    /// <summary>The sums of each channel's values, and then those of their squares.</summary>
    public long[] Sums => [.. _sums, .. _squares];

    /// <summary>Counts in what was counted elsewhere.</summary>
    /// <param name="sums">The <see cref="Sums"/> there; empty where there were none.</param>
    /// <param name="images">The <see cref="Images"/> there.</param>
    public void Add(IReadOnlyList<long> sums, long images)
    {
        for (var channel = 0; channel < (sums.Count > 0 ? shape.Channels : 0); channel++)
        {
            _sums[channel] += sums[channel];
            _squares[channel] += sums[shape.Channels + channel];
        }
        _images += images;
    }

    /// <summary>Counts one image in.</summary>
    /// <param name="pixels">Planar.</param>
    public void Add(ReadOnlySpan<byte> pixels)
    {
        for (var channel = 0; channel < shape.Channels; channel++)
            Add(channel, pixels.Slice(channel * shape.PlaneSize, shape.PlaneSize));
        _images++;
    }

    /// <summary>
    /// Mean and deviation over all pixels so far, exact but for the last rounding; a channel without contrast gets deviation 1.
    /// </summary>
    public Normalization Measure()
    {
        Int128 count = _images * shape.PlaneSize;
        var mean = _sums.Select(sum => (float)((double)sum / (double)count / 255));
        var deviation = _sums.Zip(_squares, (sum, squares) => (float)Deviation(count * squares - (Int128)sum * sum, (double)count));
        return new Normalization([.. mean], [.. deviation]);
    }

    // variance = E(x^2) - E(x)^2, whose subtraction loses nothing in whole numbers.
    private static double Deviation(Int128 varianceTimesCountSquared, double count)
        => varianceTimesCountSquared > 0 ? Math.Sqrt((double)varianceTimesCountSquared) / count / 255 : 1;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Add(int channel, ReadOnlySpan<byte> plane)
    {
        while (plane.Length >= Vector<byte>.Count)
        {
            var vectors = Math.Min(plane.Length / Vector<byte>.Count, VectorsPerBlock);
            var block = plane[..(vectors * Vector<byte>.Count)];
            var (sums, squares) = (Vector<ushort>.Zero, Vector<uint>.Zero);
            for (; block.Length > 0; block = block[Vector<byte>.Count..])
            {
                Vector.Widen(new Vector<byte>(block), out var low, out var high);
                sums += low + high;
                Vector.Widen(low * low, out var first, out var second);
                Vector.Widen(high * high, out var third, out var fourth);
                squares += first + second + (third + fourth);
            }
            Vector.Widen(sums, out var lowSums, out var highSums);
            _sums[channel] += Vector.Sum(lowSums + highSums);
            _squares[channel] += Vector.Sum(squares);
            plane = plane[(vectors * Vector<byte>.Count)..];
        }
        foreach (var value in plane)
        {
            _sums[channel] += value;
            _squares[channel] += value * value;
        }
    }
}
