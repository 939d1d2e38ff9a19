using System.Runtime.InteropServices;
using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Network;

/// <summary>
/// A convolution that does the work of the batch normalisation behind it. In evaluation, that is one multiplication and one addition for
/// each channel, which the weights can do: <c>w' = w s</c> and <c>b' = (b - mean) s + beta</c> with <c>s = gamma / sqrt(variance +
/// epsilon)</c>. Computed in double and rounded once. The weights are kept as they were: whoever needs them multiplies on the way, so that
/// no network lies in memory twice.
/// </summary>
/// <param name="weight">float32, (out, in, k, k), as raw bytes; not multiplied yet.</param>
/// <param name="shape">The sizes of <paramref name="weight"/>.</param>
/// <param name="bias">float32, (out), as raw bytes; <see langword="null"/> where nothing is added.</param>
/// <param name="scales">The factor of each output channel; <see langword="null"/> where all are 1.</param>
internal sealed class FoldedConvolution(ReadOnlyMemory<byte> weight, IReadOnlyList<long> shape, ReadOnlyMemory<byte>? bias,
    double[]? scales = null)
{
    /// <summary>The sizes of the weights: (out, in, k, k).</summary>
    public IReadOnlyList<long> Shape => shape;

    /// <summary>float32, (out), as raw bytes; <see langword="null"/> where nothing is added.</summary>
    public ReadOnlyMemory<byte>? Bias => bias;

    /// <summary>The weights before they are multiplied: (out, in, k, k).</summary>
    public ReadOnlySpan<float> Unscaled => MemoryMarshal.Cast<byte, float>(weight.Span);

    /// <summary>Folds a normalisation into a convolution.</summary>
    /// <param name="weights">The state dictionary, by name.</param>
    /// <param name="convolution">The convolution's name.</param>
    /// <param name="norm">
    /// The normalisation's name; <see langword="null"/> where none follows, which leaves the weights as they are.
    /// </param>
    public static FoldedConvolution Create(IReadOnlyDictionary<string, NamedTensor> weights, string convolution, string? norm)
    {
        var weight = weights[$"{convolution}.weight"];
        var bias = weights.GetValueOrDefault($"{convolution}.bias");
        if (norm is null)
            return new FoldedConvolution(weight.Data, weight.Shape, bias?.Data);

        var gamma = Floats(weights[$"{norm}.weight"]);
        var beta = Floats(weights[$"{norm}.bias"]);
        var mean = Floats(weights[$"{norm}.running_mean"]);
        var variance = Floats(weights[$"{norm}.running_var"]);
        var old = bias is null ? new float[gamma.Length] : Floats(bias);

        var (scales, foldedBias) = (new double[gamma.Length], new byte[gamma.Length * sizeof(float)]);
        for (var channel = 0; channel < gamma.Length; channel++)
        {
            scales[channel] = gamma[channel] / Math.Sqrt(variance[channel] + BatchNormalization.Epsilon);
            MemoryMarshal.Cast<byte, float>(foldedBias.AsSpan())[channel]
                = (float)((old[channel] - mean[channel]) * scales[channel] + beta[channel]);
        }
        return new FoldedConvolution(weight.Data, weight.Shape, foldedBias, scales);
    }

    /// <summary>The factor of an output channel: a weight is <c>(float)(unscaled * scale)</c>.</summary>
    public double Scale(int channel) => scales is null ? 1 : scales[channel];

    /// <summary>The weights, float32, (out, in, k, k), as raw bytes; a copy where they have to be multiplied.</summary>
    public ReadOnlyMemory<byte> Weight()
    {
        if (scales is null)
            return weight;
        var folded = new byte[weight.Length];
        var source = Unscaled;
        var target = MemoryMarshal.Cast<byte, float>(folded.AsSpan());
        var row = target.Length / scales.Length;
        for (var i = 0; i < target.Length; i++)
            target[i] = (float)(source[i] * scales[i / row]);
        return folded;
    }

    private static ReadOnlySpan<float> Floats(NamedTensor tensor) => MemoryMarshal.Cast<byte, float>(tensor.Data.Span);
}
