using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Network.Torch;

/// <summary>The paths that carry a block's input past it where its shape changes.</summary>
internal static class Shortcut
{
    /// <summary>The shortcut of one block; <see langword="null"/> stands for the identity.</summary>
    public static nn.Module<Tensor, Tensor>? Create(ResNetShortcut kind, int inputs, int outputs, int stride, bool bias,
        bool channelsLast)
        => inputs == outputs && stride == 1 ? null : kind switch
        {
            ResNetShortcut.Projection
                => nn.Sequential(("0", new Convolution(inputs, outputs, 1, stride, bias, channelsLast)), ("1", new BatchNorm(outputs))),
            ResNetShortcut.BareProjection => new Convolution(inputs, outputs, 1, stride, bias, channelsLast),
            ResNetShortcut.Padding => new PaddingShortcut(outputs - inputs, stride),
            _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Not a shortcut."),
        };
}

/// <summary>
/// Takes every <c>stride</c>-th pixel and adds channels of zeros, half of them before and half behind: option A of the paper.
/// </summary>
/// <param name="channels">Channels to add; zero or more.</param>
/// <param name="stride">Step, in pixels.</param>
internal sealed class PaddingShortcut(int channels, int stride) : nn.Module<Tensor, Tensor>(nameof(PaddingShortcut))
{
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var every = TensorIndex.Slice(null, null, stride);
        var y = x[TensorIndex.Colon, TensorIndex.Colon, every, every];
        y = nn.functional.pad(y, [0, 0, 0, 0, channels / 2, channels - channels / 2]);
        return y.MoveToOuterDisposeScope();
    }
}
