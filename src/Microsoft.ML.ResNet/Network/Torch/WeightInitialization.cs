using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Network.Torch;

/// <summary>
/// Where training from scratch starts: convolutions from He's normal distribution, which keeps the variance of gradients through
/// ReLU layers (He et al. 2015, arXiv:1502.01852, fan-out form, as torchvision does); the classifier from PyTorch's default uniform
/// one; batch normalisation as the identity.
/// </summary>
internal static class WeightInitialization
{
    /// <summary>Draws every weight from <paramref name="generator"/>, in the order of the state dictionary.</summary>
    public static void Initialize(ResidualNetwork network, Generator generator)
    {
        using var noGradient = no_grad();
        foreach (var module in network.modules())
        {
            switch (module)
            {
                case Convolution convolution:
                    DrawNormal(convolution.weight, FanOutDeviation(convolution.weight.shape), generator);
                    if (convolution.bias is { } bias)
                        DrawUniform(bias, InputBound(convolution.weight.shape), generator);
                    break;
                case Linear linear:
                    DrawUniform(linear.weight, InputBound(linear.weight.shape), generator);
                    DrawUniform(linear.bias, InputBound(linear.weight.shape), generator);
                    break;
            }
        }
    }

    /// <summary>
    /// Makes every block start as its shortcut: the last batch normalisation of each gets weights of 0 (Goyal et al. 2017,
    /// arXiv:1706.02677, section 5.1).
    /// </summary>
    public static void ZeroResiduals(ResidualNetwork network)
    {
        using var noGradient = no_grad();
        foreach (var norm in network.LastNorms)
            norm.weight.fill_(0);
    }

    /// <summary>sqrt(2 / fan-out), fan-out being output channels times kernel area.</summary>
    internal static double FanOutDeviation(long[] shape) => Math.Sqrt(2.0 / (shape[0] * shape[2] * shape[3]));

    /// <summary>1 / sqrt(fan-in), fan-in being all but the first dimension.</summary>
    internal static double InputBound(long[] shape) => 1 / Math.Sqrt(shape.Skip(1).Aggregate(1L, (product, size) => product * size));

    // Drawn into a contiguous tensor, so that the values do not depend on the weights' memory layout.
    private static void DrawNormal(Parameter parameter, double deviation, Generator generator)
    {
        using var values = empty(parameter.shape);
        values.normal_(0, deviation, generator);
        parameter.copy_(values);
    }

    private static void DrawUniform(Parameter parameter, double bound, Generator generator)
    {
        using var values = empty(parameter.shape);
        values.uniform_(-bound, bound, generator);
        parameter.copy_(values);
    }
}
