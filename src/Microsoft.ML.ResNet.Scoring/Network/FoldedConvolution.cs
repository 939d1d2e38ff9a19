using System.Runtime.InteropServices;
using Microsoft.ML.ResNet.Tensors;

namespace Microsoft.ML.ResNet.Network;

/// <summary>
/// A convolution that does the work of the batch normalisation behind it. In evaluation, that is one multiplication and one addition for
/// each channel, which the weights can do: <c>w' = w s</c> and <c>b' = (b - mean) s + beta</c> with <c>s = gamma / sqrt(variance +
/// epsilon)</c>. Computed in double and rounded once.
/// </summary>
/// <param name="Weight">float32, (out, in, k, k), as raw bytes.</param>
/// <param name="Shape">The sizes of <paramref name="Weight"/>.</param>
/// <param name="Bias">float32, (out), as raw bytes; <see langword="null"/> where nothing is added.</param>
internal sealed record FoldedConvolution(ReadOnlyMemory<byte> Weight, IReadOnlyList<long> Shape, ReadOnlyMemory<byte>? Bias)
{
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

        var (foldedWeight, foldedBias) = (new byte[weight.Data.Length], new byte[gamma.Length * sizeof(float)]);
        var rowSize = foldedWeight.Length / gamma.Length / sizeof(float); // one output channel
        for (var channel = 0; channel < gamma.Length; channel++)
        {
            var scale = gamma[channel] / Math.Sqrt(variance[channel] + BatchNormalization.Epsilon);
            Scale(Floats(weight).Slice(channel * rowSize, rowSize), Floats(foldedWeight).Slice(channel * rowSize, rowSize), scale);
            Floats(foldedBias)[channel] = (float)((old[channel] - mean[channel]) * scale + beta[channel]);
        }
        return new FoldedConvolution(foldedWeight, weight.Shape, foldedBias);
    }

    private static void Scale(ReadOnlySpan<float> source, Span<float> target, double scale)
    {
        for (var i = 0; i < target.Length; i++)
            target[i] = (float)(source[i] * scale);
    }

    private static ReadOnlySpan<float> Floats(NamedTensor tensor) => MemoryMarshal.Cast<byte, float>(tensor.Data.Span);

    private static Span<float> Floats(byte[] bytes) => MemoryMarshal.Cast<byte, float>(bytes.AsSpan());
}
