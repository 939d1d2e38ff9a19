using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.ResNet.Network.Torch;

/// <summary>
/// A square two-dimensional convolution that pads to keep the size (at stride 1). Unlike <c>torch.nn.Conv2d</c> it leaves its
/// weights unset, because that class would draw them from the process-wide random state.
/// </summary>
internal sealed class Convolution : nn.Module<Tensor, Tensor>
{
    // On processors with AVX2, libtorch 2.10 computes the gradient of the weights of a strided 1x1 convolution over fewer channels from
    // memory that is not its own, and writes there, if the memory is channels-last (docs/adr/0006). Slicing the pixels first gives the
    // same numbers.
    private const int NarrowestForStride = 8;

    public readonly Parameter weight; // (out, in, k, k)
    public readonly Parameter? bias; // (out)
    private readonly long[] _stride;
    private readonly long[] _padding;
    private readonly bool _slicesFirst;

    /// <param name="inputs">Channels that come in.</param>
    /// <param name="outputs">Channels that go out.</param>
    /// <param name="size">Height and width of the kernel, in pixels; odd.</param>
    /// <param name="stride">Step, in pixels.</param>
    /// <param name="bias">Whether a bias is added.</param>
    /// <param name="channelsLast">Whether the weights lie channels-last in memory.</param>
    public Convolution(int inputs, int outputs, int size, int stride = 1, bool bias = false, bool channelsLast = true)
        : base(nameof(Convolution))
    {
        using var empty = zeros(outputs, inputs, size, size);
        weight = new Parameter(channelsLast ? empty.ToChannelsLast() : empty.alias());
        this.bias = bias ? new Parameter(zeros(outputs)) : null;
        _stride = [stride, stride];
        _padding = [size / 2, size / 2];
        _slicesFirst = size == 1 && stride > 1 && inputs < NarrowestForStride;
        RegisterComponents();
    }

    /// <summary>Channels that go out.</summary>
    public long Outputs => weight.shape[0];

    /// <summary>Step, in pixels.</summary>
    public int Stride => (int)_stride[0];

    /// <summary>Convolves in the precision of the input.</summary>
    public override Tensor forward(Tensor x)
    {
        if (!_slicesFirst && x.dtype == weight.dtype)
            return nn.functional.conv2d(x, weight, bias, _stride, _padding);
        using var scope = NewDisposeScope();
        var (w, b) = x.dtype == weight.dtype ? (weight, bias) : (weight.to_type(x.dtype), bias?.to_type(x.dtype));
        var y = _slicesFirst
            ? nn.functional.conv2d(x[TensorIndex.Colon, TensorIndex.Colon, EveryPixel, EveryPixel], w, b)
            : nn.functional.conv2d(x, w, b, _stride, _padding);
        return y.MoveToOuterDisposeScope();
    }

    private TensorIndex EveryPixel => TensorIndex.Slice(null, null, _stride[0]);
}
