using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Network.Torch;

/// <summary><see cref="Normalization"/> of batches that are tensors.</summary>
internal static class NormalizationOfTensors
{
    /// <summary>Converts a batch.</summary>
    /// <param name="normalization">How pixels become numbers.</param>
    /// <param name="pixels">uint8, (N, C, H, W).</param>
    /// <param name="channelsLast">Whether the result lies channels-last in memory.</param>
    /// <returns>float32, (N, C, H, W); the caller owns it.</returns>
    public static Tensor Apply(this Normalization normalization, Tensor pixels, bool channelsLast = true)
    {
        using var scope = NewDisposeScope();
        if (PlanarBytes.AreIn(pixels) && channelsLast)
            return ByTable(normalization, pixels).MoveToOuterDisposeScope();
        var (scale, shift) = normalization.ScaleAndShift();
        var images = (channelsLast ? pixels.ToChannelsLast() : pixels).to_type(ScalarType.Float32);
        return images.mul_(PerChannel(scale)).add_(PerChannel(shift)).MoveToOuterDisposeScope();

        Tensor PerChannel(float[] values) => tensor(values, [1, values.Length, 1, 1]).SentTo(pixels.device);
    }

    // The same bits in one pass.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static Tensor ByTable(Normalization normalization, Tensor pixels)
    {
        var shape = pixels.shape;
        var images = empty([shape[0], shape[2], shape[3], shape[1]]); // channels-last
        var (channels, plane) = ((int)shape[1], (int)(shape[2] * shape[3]));
        var tables = normalization.Tabulate();
        var source = pixels.bytes;
        var target = MemoryMarshal.Cast<byte, float>(images.bytes);
        for (; source.Length > 0; target = target[(channels * plane)..])
            for (var channel = 0; channel < channels; channel++, source = source[plane..])
            {
                var table = tables[channel];
                for (int i = 0, place = channel; i < plane; i++, place += channels)
                    target[place] = table[source[i]];
            }
        return images.permute(0, 3, 1, 2);
    }
}
