using System.Runtime.InteropServices;
using Microsoft.ML.ResNet.Cpu.Kernels;
using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Cpu.Inference;

/// <summary>
/// The weights of a convolution in the order in which kernels use them: for each group of two output blocks, for each float of a window,
/// the channels of the group. What lies beyond the last channel, coming in or going out, is zero.
/// </summary>
internal sealed unsafe class PackedWeights : IDisposable
{
    private const int Block = MapLayout.FullBlock, GroupChannels = ConvolutionTile.MaxBlocks * Block;

    private readonly NativeBuffer _weights, _bias;

    /// <param name="convolution">Weights (out, in, k, k) and bias.</param>
    /// <param name="input">The map that windows are cut from.</param>
    public PackedWeights(FoldedConvolution convolution, MapLayout input)
    {
        (Outputs, Kernel) = ((int)convolution.Shape[0], (int)convolution.Shape[2]);
        WindowLength = checked((nint)input.Blocks * Kernel * Kernel * input.BlockChannels);
        _weights = new NativeBuffer(checked(WindowLength * Blocks * Block), zeroed: true);
        _bias = new NativeBuffer(Blocks * Block, zeroed: true);
        if (convolution.Bias is { } bias)
            MemoryMarshal.Cast<byte, float>(bias.Span).CopyTo(new Span<float>(_bias.Pointer, Outputs));
        Pack(MemoryMarshal.Cast<byte, float>(convolution.Weight.Span), (int)convolution.Shape[1], input.BlockChannels);
    }

    /// <summary>Channels that go out.</summary>
    public int Outputs { get; }

    /// <summary>Height and width of the kernel, in pixels.</summary>
    public int Kernel { get; }

    /// <summary>Floats of a window.</summary>
    public nint WindowLength { get; }

    /// <summary>Output blocks.</summary>
    public int Blocks => (Outputs + Block - 1) / Block;

    /// <summary>Groups of output blocks.</summary>
    public int Groups => (Blocks + ConvolutionTile.MaxBlocks - 1) / ConvolutionTile.MaxBlocks;

    /// <summary>Output blocks of a group: 2, or 1 in the last if their number is odd.</summary>
    public int BlocksIn(int group) => Math.Min(ConvolutionTile.MaxBlocks, Blocks - group * ConvolutionTile.MaxBlocks);

    /// <summary>The weights of a group.</summary>
    public float* Weights(int group) => _weights.Pointer + group * WindowLength * GroupChannels;

    /// <summary>The bias of a group.</summary>
    public float* Bias(int group) => _bias.Pointer + group * GroupChannels;

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        _weights.Dispose();
        _bias.Dispose();
    }

    private void Pack(ReadOnlySpan<float> weights, int inputs, int blockChannels)
    {
        var area = Kernel * Kernel;
        for (var output = 0; output < Outputs; output++)
        {
            var group = output / GroupChannels;
            var width = BlocksIn(group) * Block;
            var target = Weights(group) + output % GroupChannels;
            for (var input = 0; input < inputs; input++)
                for (var tap = 0; tap < area; tap++)
                {
                    var i = ((nint)input / blockChannels * area + tap) * blockChannels + input % blockChannels;
                    target[i * width] = weights[(output * inputs + input) * area + tap];
                }
        }
    }
}
