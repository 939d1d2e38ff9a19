using System.Runtime.InteropServices;
using Microsoft.ML.ResNet.Cpu.Kernels;
using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Cpu.Inference;

/// <summary>
/// The weights of a convolution in the order in which kernels use them: for each group of two output blocks, for each float of a window,
/// the channels of the group. What lies beyond the last channel, coming in or going out, is zero. Groups are packed one by one, in any
/// order, by any thread.
/// </summary>
internal sealed unsafe class PackedWeights : IDisposable
{
    private const int Block = MapLayout.FullBlock, GroupChannels = ConvolutionTile.MaxBlocks * Block;

    private readonly NativeBuffer _weights, _bias;
    private readonly MapLayout _input;

    /// <param name="convolution">Weights (out, in, k, k) and bias.</param>
    /// <param name="input">The map that windows are cut from.</param>
    public PackedWeights(FoldedConvolution convolution, MapLayout input)
    {
        (Outputs, Kernel) = ((int)convolution.Shape[0], (int)convolution.Shape[2]);
        _input = input;
        WindowLength = checked((nint)input.Blocks * Kernel * Kernel * input.BlockChannels);
        _weights = new NativeBuffer(checked(WindowLength * Blocks * Block));
        _bias = new NativeBuffer(Blocks * Block, zeroed: true);
        if (convolution.Bias is { } bias)
            MemoryMarshal.Cast<byte, float>(bias.Span).CopyTo(new Span<float>(_bias.Pointer, Outputs));
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

    /// <summary>Packs the weights of a group.</summary>
    /// <param name="convolution">What this was made for.</param>
    /// <param name="group">The group.</param>
    public void Pack(FoldedConvolution convolution, int group)
    {
        var (inputs, outputs) = (_input.BlockChannels, BlocksIn(group) * Block);
        var target = Weights(group);
        for (var block = 0; block < _input.Blocks; block++, target += (nint)Kernel * Kernel * inputs * outputs)
            WeightPacking.Pack(convolution, group * GroupChannels, outputs, block * inputs, inputs, target);
        GC.KeepAlive(this);
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        _weights.Dispose();
        _bias.Dispose();
    }
}
