using System.Runtime.InteropServices;
using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Cpu.Inference;

/// <summary>
/// The weights of a 3x3 convolution as <see cref="WinogradConvolution"/> multiplies with them: <c>G g G^T</c> for every pair of channels,
/// 4x4 numbers, of which each place makes a 1x1 convolution. Computed in double and rounded once.
/// </summary>
internal static class WinogradWeights
{
    private static readonly double[][] G = [[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]];

    /// <summary>Transforms the weights.</summary>
    /// <param name="convolution">3x3.</param>
    /// <param name="input">The map of the transformed windows.</param>
    /// <returns>The convolutions of the sixteen places, row by row.</returns>
    public static PackedWeights[] Transform(FoldedConvolution convolution, MapLayout input)
    {
        var weights = MemoryMarshal.Cast<byte, float>(convolution.Weight.Span);
        var pairs = weights.Length / 9;
        var places = Enumerable.Range(0, 16).Select(_ => new float[pairs]).ToArray();
        for (var pair = 0; pair < pairs; pair++)
        {
            var kernel = weights.Slice(pair * 9, 9);
            for (var place = 0; place < 16; place++)
                places[place][pair] = (float)Transform(kernel, G[place / 4], G[place % 4]);
        }
        return [.. places.Select(
            values => new PackedWeights(
            new FoldedConvolution(MemoryMarshal.AsBytes<float>(values).ToArray(), [convolution.Shape[0], convolution.Shape[1], 1, 1], null),
            input))];
    }

    private static double Transform(ReadOnlySpan<float> kernel, double[] rows, double[] columns)
    {
        var sum = 0.0;
        for (var row = 0; row < 3; row++)
            for (var column = 0; column < 3; column++)
                sum += rows[row] * columns[column] * kernel[3 * row + column];
        return sum;
    }
}
