using System.Runtime.Intrinsics;
using Microsoft.ML.ResNet.Cpu.Kernels;

namespace Microsoft.ML.ResNet.Tests.Cpu.Kernels;

/// <summary>Each kernel's convolution and its gradients against six nested loops.</summary>
[TestClass]
public class ConvolutionKernelTests
{
    [TestMethod]
    [DataRow(16, 16, 3, 1, 32, 32)]
    [DataRow(32, 32, 3, 1, 16, 16)]
    [DataRow(3, 16, 3, 1, 32, 32)] // the stem
    [DataRow(1, 16, 3, 1, 5, 7)]
    [DataRow(16, 32, 3, 2, 32, 32)]
    [DataRow(16, 32, 3, 2, 9, 11)] // odd sizes: the phases differ in length
    [DataRow(16, 32, 1, 2, 8, 8)] // a projection: three of four phases meet no weight
    [DataRow(16, 48, 1, 1, 6, 6)]
    [DataRow(48, 16, 5, 1, 7, 3)]
    [DataRow(16, 16, 7, 2, 10, 13)]
    [DataRow(16, 16, 3, 2, 1, 1)]
    [DataRow(64, 128, 3, 1, 4, 4)] // narrow images: two rows in a tile
    [DataRow(32, 96, 3, 1, 3, 4)]
    [DataRow(32, 80, 3, 1, 5, 3)]
    [DataRow(16, 16, 3, 1, 2, 2)] // one window
    [DataRow(64, 64, 3, 1, 8, 8)]
    [DataRow(48, 16, 3, 1, 6, 14)] // windows that fill no panel
    [DataRow(16, 80, 3, 1, 26, 10)]
    public unsafe void Output_and_gradients_are_those_of_the_definition(int inputs, int outputs, int size, int stride,
        int height, int width)
    {
        if (!Vector512.IsHardwareAccelerated)
            Assert.Inconclusive("This CPU has no 512-bit vectors.");
        var shape = new ConvolutionShape(inputs, outputs, size, stride, height, width);
        var random = new Random(1);
        var (input, weights, gradient) = (Noise(random, shape.InputLength), Noise(random, shape.WeightLength),
            Noise(random, shape.OutputLength));
        var expected = Definition(shape, input, weights, gradient);
        using var plain = new ConvolutionKernel(shape);
        AssertIsDefinition(plain, shape, input, weights, gradient, expected, byBlock: true);
        if (!WinogradKernel.Computes(shape))
            return;
        using var winograd = new WinogradKernel(shape);
        AssertIsDefinition(winograd, shape, input, weights, gradient, expected, byBlock: false);
    }

    private static unsafe void AssertIsDefinition(ConvolutionKernel kernel, ConvolutionShape shape, float[] input, float[] weights,
        float[] gradient, (double[] Output, double[] InputGradient, double[] WeightGradient) expected, bool byBlock)
    {
        using var scratch = new NativeBuffer(kernel.ScratchLength);
        using var padded = new NativeBuffer(kernel.PaddedInputLength);
        using var compact = new NativeBuffer(kernel.CompactLength);
        using var paddedGradient = new NativeBuffer(kernel.PaddedGradientLength);
        new Span<float>(padded.Pointer, (int)padded.Length).Fill(float.NaN); // what is neither image nor border must not matter
        new Span<float>(paddedGradient.Pointer, (int)paddedGradient.Length).Fill(float.NaN);
        var (output, inputGradient, weightSums, weightGradient) = (new float[shape.OutputLength], new float[shape.InputLength],
            new float[kernel.SumsLength], new float[shape.WeightLength]);
        inputGradient.AsSpan().Fill(1);

        fixed (float* x = input, w = weights, g = gradient, y = output, dx = inputGradient, sums = weightSums, dw = weightGradient)
        {
            kernel.Pack(w);
            PaddedImage.Load(x, padded.Pointer, shape.Height, shape.Width * shape.Inputs, shape.Padding, shape.Padding * shape.Inputs);
            PaddedImage.Load(g, paddedGradient.Pointer, shape.OutputHeight, shape.OutputWidth * shape.Outputs, shape.Padding,
                shape.Padding * shape.Outputs);
            kernel.Forward(padded.Pointer, y, images: 1, scratch.Pointer);
            if (shape.Inputs % 16 == 0)
            {
                kernel.BackwardInput(paddedGradient.Pointer, dx, images: 1, adds: false, scratch.Pointer);
                kernel.BackwardInput(paddedGradient.Pointer, dx, images: 1, adds: true, scratch.Pointer);
            }
            kernel.BackwardWeights(padded.Pointer, paddedGradient.Pointer, sums, scratch.Pointer);
            for (var block = 0; block < ConvolutionMicroKernel.BlocksOf(shape.Outputs); block++)
            {
                kernel.Unpack(block, sums, dw);
                if (!byBlock)
                    continue;
                kernel.BackwardWeightsOfBlock(block, padded.Pointer, paddedGradient.Pointer, images: 1, compact.Pointer, sums);
                kernel.Unpack(block, sums, dw); // the other way to the same: the gradient is there twice
            }
        }

        AssertClose(expected.Output, output);
        AssertClose([.. expected.WeightGradient.Select(value => (byBlock ? 2 : 1) * value)], weightGradient);
        if (shape.Inputs % 16 == 0)
            AssertClose([.. expected.InputGradient.Select(value => 2 * value)], inputGradient);
    }

    private static (double[] Output, double[] InputGradient, double[] WeightGradient) Definition(ConvolutionShape shape, float[] input,
        float[] weights, float[] gradient)
    {
        var (output, inputGradient, weightGradient) = (new double[shape.OutputLength], new double[shape.InputLength],
            new double[shape.WeightLength]);
        for (var row = 0; row < shape.OutputHeight; row++)
            for (var column = 0; column < shape.OutputWidth; column++)
                for (var kernelRow = 0; kernelRow < shape.Size; kernelRow++)
                    for (var kernelColumn = 0; kernelColumn < shape.Size; kernelColumn++)
                        Add(row * shape.Stride + kernelRow - shape.Padding, column * shape.Stride + kernelColumn - shape.Padding,
                            kernelRow * shape.Size + kernelColumn, row * shape.OutputWidth + column);
        return (output, inputGradient, weightGradient);

        void Add(int y, int x, int tap, int pixel)
        {
            if (y < 0 || y >= shape.Height || x < 0 || x >= shape.Width)
                return;
            for (var to = 0; to < shape.Outputs; to++)
                for (var from = 0; from < shape.Inputs; from++)
                {
                    var (i, w, o) = ((y * shape.Width + x) * shape.Inputs + from, (to * shape.Size * shape.Size + tap) * shape.Inputs
                        + from, pixel * shape.Outputs + to);
                    output[o] += (double)input[i] * weights[w];
                    inputGradient[i] += (double)gradient[o] * weights[w];
                    weightGradient[w] += (double)gradient[o] * input[i];
                }
        }
    }

    private static float[] Noise(Random random, int length) => [.. Enumerable.Range(0, length).Select(_ => random.NextSingle() * 2 - 1)];

    private static void AssertClose(double[] expected, float[] actual)
    {
        for (var i = 0; i < expected.Length; i++)
            Assert.AreEqual(expected[i], actual[i], 2e-4, $"at {i}");
    }
}
