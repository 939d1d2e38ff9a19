using System.Runtime.InteropServices;
using Microsoft.ML.ResNet.Cpu.Inference;
using Microsoft.ML.ResNet.Cpu.Kernels;
using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Tests.Cpu.Inference;

/// <summary>The order of packed weights, restated, and their values to the last bit.</summary>
[TestClass]
public unsafe class PackedWeightsTests
{
    private const int Block = MapLayout.FullBlock, Group = 2 * Block;

    [TestMethod]
    [DataRow(3, 1, 1)]
    [DataRow(3, 64, 7)]
    [DataRow(5, 7, 3)]
    [DataRow(16, 33, 1)]
    [DataRow(20, 50, 3)]
    [DataRow(37, 80, 1)]
    [DataRow(48, 18, 5)]
    public void Every_weight_is_multiplied_in_double_and_lies_where_kernels_look_for_it(int inputs, int outputs, int size)
    {
        var random = new Random(inputs * 100 + outputs);
        float[] weights = [.. Enumerable.Range(0, outputs * inputs * size * size).Select(_ => (float)(random.NextDouble() - 0.5))];
        double[] scales = [.. Enumerable.Range(0, outputs).Select(_ => random.NextDouble() * 3 - 1)];
        var layout = new MapLayout(new ImageShape(inputs, 8, 8), size / 2, Math.Min(inputs, Block));
        var blockInputs = layout.BlockChannels;

        foreach (var folded in new[] { Convolution(weights, inputs, outputs, size, scales), Convolution(weights, inputs, outputs, size) })
        {
            float Value(int output, int input, int tap)
                => output >= outputs || input >= inputs
                    ? 0
                    : (float)(weights[(output * inputs + input) * size * size + tap] * folded.Scale(output));

            using var packed = new PackedWeights(folded, layout);
            for (var group = packed.Groups - 1; group >= 0; group--)
                packed.Pack(folded, group);
            for (var group = 0; group < packed.Groups; group++)
            {
                var at = packed.Weights(group);
                var width = packed.BlocksIn(group) * Block;
                for (var block = 0; block < layout.Blocks; block++)
                    for (var tap = 0; tap < size * size; tap++)
                        for (var input = 0; input < blockInputs; input++)
                            for (var output = 0; output < width; output++)
                                AssertSame(Value(group * Group + output, block * blockInputs + input, tap), *at++);
            }
            if (size == 3 && layout.BlockChannels == Block)
            {
                AssertTransformed<Winograd2x2>(folded, packed, layout);
                AssertTransformed<Winograd4x4>(folded, packed, layout);
            }
            var whole = MemoryMarshal.Cast<byte, float>(folded.Weight().Span);
            for (var i = 0; i < whole.Length; i++)
                AssertSame(Value(i / (inputs * size * size), i / (size * size) % inputs, i % (size * size)), whole[i]);
        }
    }

    private static void AssertTransformed<TTransforms>(FoldedConvolution folded, PackedWeights packed, MapLayout layout)
        where TTransforms : struct, IWinogradTransforms
    {
        using var winograd = new WinogradWeights<TTransforms>(folded, layout);
        var count = WinogradTransforms.ElementsOf<TTransforms>();
        for (var group = winograd.Groups - 1; group >= 0; group--)
            winograd.Pack(folded, group);
        var elements = stackalloc float[count * Block];
        for (var group = 0; group < packed.Groups; group++)
        {
            nint width = packed.BlocksIn(group) * Block, start = (nint)group * Group * winograd.Inputs;
            for (var input = 0; input < winograd.Inputs; input++)
                for (nint output = 0; output < width; output += Block)
                {
                    var weights = packed.Weights(group) + (input / Block * 9 * Block + input % Block) * width + output;
                    TTransforms.Weights(weights, Block * width, elements, Block);
                    for (var element = 0; element < count; element++)
                        for (var channel = 0; channel < Block; channel++)
                            AssertSame(elements[element * Block + channel],
                                winograd.Element(element)[start + input * width + output + channel]);
                }
        }
    }

    private static FoldedConvolution Convolution(float[] weights, int inputs, int outputs, int size, double[]? scales = null)
        => new(MemoryMarshal.AsBytes<float>(weights).ToArray(), [outputs, inputs, size, size], bias: null, scales);

    private static void AssertSame(float expected, float actual)
    {
        if (BitConverter.SingleToInt32Bits(expected) != BitConverter.SingleToInt32Bits(actual))
            Assert.Fail($"{actual} instead of {expected}");
    }
}
