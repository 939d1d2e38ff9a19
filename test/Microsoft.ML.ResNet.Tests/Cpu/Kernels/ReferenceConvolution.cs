using Microsoft.ML.ResNet.Cpu.Kernels;

namespace Microsoft.ML.ResNet.Tests.Cpu.Kernels;

/// <summary>
/// Convolution as its definition has it, in double: the plain reference of every kernel. Images are channels-last, one after the other;
/// weights are in the order outputs x size x size x inputs.
/// </summary>
internal static class ReferenceConvolution
{
    private delegate void Product(long input, long weight, long output);

    /// <summary>The outputs.</summary>
    public static double[] Forward(ConvolutionShape shape, int images, float[] input, float[] weights)
    {
        var output = new double[images * shape.OutputLength];
        ForEachProduct(shape, images, (i, w, o) => output[o] += (double)input[i] * weights[w]);
        return output;
    }

    /// <summary>The gradients of the inputs.</summary>
    public static double[] InputGradient(ConvolutionShape shape, int images, float[] weights, float[] outputGradient)
    {
        var gradient = new double[images * shape.InputLength];
        ForEachProduct(shape, images, (i, w, o) => gradient[i] += (double)outputGradient[o] * weights[w]);
        return gradient;
    }

    /// <summary>The gradient of the weights: the sum over all images.</summary>
    public static double[] WeightGradient(ConvolutionShape shape, int images, float[] input, float[] outputGradient)
    {
        var gradient = new double[shape.WeightLength];
        ForEachProduct(shape, images, (i, w, o) => gradient[w] += (double)outputGradient[o] * input[i]);
        return gradient;
    }

    private static void ForEachProduct(ConvolutionShape shape, int images, Product product)
    {
        for (var image = 0; image < images; image++)
            for (var row = 0; row < shape.OutputHeight; row++)
                for (var column = 0; column < shape.OutputWidth; column++)
                    for (var kernelRow = 0; kernelRow < shape.Size; kernelRow++)
                        for (var kernelColumn = 0; kernelColumn < shape.Size; kernelColumn++)
                        {
                            var y = row * shape.Stride + kernelRow - shape.Padding;
                            var x = column * shape.Stride + kernelColumn - shape.Padding;
                            if (y < 0 || y >= shape.Height || x < 0 || x >= shape.Width)
                                continue;
                            for (var output = 0; output < shape.Outputs; output++)
                                for (var input = 0; input < shape.Inputs; input++)
                                    product(image * shape.InputLength + (y * shape.Width + x) * shape.Inputs + input,
                                        ((output * shape.Size + kernelRow) * shape.Size + kernelColumn) * shape.Inputs + input,
                                        image * shape.OutputLength + (row * shape.OutputWidth + column) * shape.Outputs + output);
                        }
    }
}
