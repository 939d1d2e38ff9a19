using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Network.Torch;

/// <summary>
/// 1x1 convolution that narrows, 3x3, 1x1 that widens, and the input added again (He et al. 2015, figure 5, right). The 3x3 carries
/// the stride, as in torchvision; the paper put it on the first 1x1.
/// </summary>
internal sealed class Bottleneck : nn.Module<Tensor, Tensor>
{
    private readonly Convolution conv1;
    private readonly BatchNorm bn1;
    private readonly Convolution conv2;
    private readonly BatchNorm bn2;
    private readonly Convolution conv3;
    private readonly BatchNorm bn3;
    private readonly nn.Module<Tensor, Tensor>? downsample;

    /// <param name="inputs">Channels that come in.</param>
    /// <param name="width">Channels inside; four times as many go out.</param>
    /// <param name="stride">Step of the 3x3 convolution.</param>
    /// <param name="architecture">Tells expansion, shortcut and bias.</param>
    /// <param name="channelsLast">Whether the weights lie channels-last in memory.</param>
    public Bottleneck(int inputs, int width, int stride, ResNetArchitecture architecture, bool channelsLast) : base(nameof(Bottleneck))
    {
        var outputs = width * architecture.Expansion;
        conv1 = new Convolution(inputs, width, 1, bias: architecture.ConvolutionBias, channelsLast: channelsLast);
        bn1 = new BatchNorm(width);
        conv2 = new Convolution(width, width, 3, stride, architecture.ConvolutionBias, channelsLast);
        bn2 = new BatchNorm(width);
        conv3 = new Convolution(width, outputs, 1, bias: architecture.ConvolutionBias, channelsLast: channelsLast);
        bn3 = new BatchNorm(outputs);
        downsample = Shortcut.Create(architecture.Shortcut, inputs, outputs, stride, architecture.ConvolutionBias, channelsLast);
        RegisterComponents();
    }

    /// <summary>The normalisation in front of the addition.</summary>
    public BatchNorm LastNorm => bn3;

    public override Tensor forward(Tensor x) // (N, inputs, H, W)
    {
        using var scope = NewDisposeScope();
        var y = conv1.forward(x); // (N, width, H, W)
        y = bn1.forward(y).relu_();
        y = conv2.forward(y); // (N, width, H / stride, W / stride)
        y = bn2.forward(y).relu_();
        y = conv3.forward(y); // (N, 4 width, H / stride, W / stride)
        y = bn3.forward(y);
        y = y.add_(downsample?.forward(x) ?? x);
        return y.relu_().MoveToOuterDisposeScope();
    }
}
