using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Network.Torch;

/// <summary>Two 3x3 convolutions around which the input is added again (He et al. 2015, figure 5, left).</summary>
internal sealed class BasicBlock : nn.Module<Tensor, Tensor>
{
    private readonly Convolution conv1;
    private readonly BatchNorm bn1;
    private readonly Convolution conv2;
    private readonly BatchNorm bn2;
    private readonly nn.Module<Tensor, Tensor>? downsample;

    /// <param name="inputs">Channels that come in.</param>
    /// <param name="width">Channels inside, and channels that go out.</param>
    /// <param name="stride">Step of the first convolution.</param>
    /// <param name="architecture">Tells shortcut and bias.</param>
    /// <param name="channelsLast">Whether the weights lie channels-last in memory.</param>
    public BasicBlock(int inputs, int width, int stride, ResNetArchitecture architecture, bool channelsLast) : base(nameof(BasicBlock))
    {
        conv1 = new Convolution(inputs, width, 3, stride, architecture.ConvolutionBias, channelsLast);
        bn1 = new BatchNorm(width);
        conv2 = new Convolution(width, width, 3, bias: architecture.ConvolutionBias, channelsLast: channelsLast);
        bn2 = new BatchNorm(width);
        downsample = Shortcut.Create(architecture.Shortcut, inputs, width, stride, architecture.ConvolutionBias, channelsLast);
        RegisterComponents();
    }

    /// <summary>The normalisation in front of the addition.</summary>
    public BatchNorm LastNorm => bn2;

    public override Tensor forward(Tensor x) // (N, inputs, H, W)
    {
        using var scope = NewDisposeScope();
        var y = conv1.forward(x); // (N, width, H / stride, W / stride)
        y = bn1.forward(y).relu_();
        y = conv2.forward(y);
        y = bn2.forward(y);
        y = y.add_(downsample?.forward(x) ?? x);
        return y.relu_().MoveToOuterDisposeScope();
    }
}
