using System.Runtime.CompilerServices;
using Microsoft.ML.ResNet.Cpu.Kernels;
using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Cpu.Inference;

/// <summary>
/// The weights of a 3x3 convolution as <see cref="WinogradConvolution{TTransforms}"/> multiplies with them: elements, each of which is a
/// 1x1 convolution in the order of <see cref="PackedWeights"/>. Groups are transformed one by one, in any order, by any thread.
/// </summary>
/// <typeparam name="TTransforms">The transforms.</typeparam>
internal sealed unsafe class WinogradWeights<TTransforms> : IDisposable
    where TTransforms : struct, IWinogradTransforms
{
    private const int Block = MapLayout.FullBlock, GroupChannels = ConvolutionTile.MaxBlocks * Block, Taps = 9;

    private readonly NativeBuffer _elements;
    private readonly nint _pairs;

    /// <param name="convolution">3x3.</param>
    /// <param name="input">The map that tiles are cut from; has full blocks.</param>
    public WinogradWeights(FoldedConvolution convolution, MapLayout input)
    {
        (Inputs, Outputs) = (input.Blocks * Block, ((int)convolution.Shape[0] + Block - 1) / Block * Block);
        _pairs = checked((nint)Inputs * Outputs);
        _elements = new NativeBuffer(checked(WinogradTransforms.ElementsOf<TTransforms>() * _pairs));
    }

    /// <summary>Channels that come in, those beyond the last included.</summary>
    public int Inputs { get; }

    /// <summary>Channels that go out, those beyond the last included.</summary>
    public int Outputs { get; }

    /// <summary>Groups of two output blocks, of which the last may have but one.</summary>
    public int Groups => (Outputs + GroupChannels - 1) / GroupChannels;

    /// <summary>The weights of one element: for each group of two output blocks, inputs x channels of the group.</summary>
    public float* Element(int index) => _elements.Pointer + index * _pairs;

    /// <summary>Transforms the weights of a group.</summary>
    /// <param name="convolution">What this was made for.</param>
    /// <param name="group">The group.</param>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Pack(FoldedConvolution convolution, int group)
    {
        var outputs = Math.Min(GroupChannels, Outputs - group * GroupChannels);
        nint tap = outputs * Block; // from a weight to the next: a block of inputs meets the group's outputs
        var weights = stackalloc float[Taps * Block * GroupChannels];
        var target = _elements.Pointer + (nint)group * GroupChannels * Inputs;
        for (var input = 0; input < Inputs; input += Block, target += tap)
        {
            WeightPacking.Pack(convolution, group * GroupChannels, outputs, input, Block, weights);
            for (nint i = 0; i < tap; i += Block)
                TTransforms.Weights(weights + i, tap, target + i, _pairs);
        }
        GC.KeepAlive(this);
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose() => _elements.Dispose();
}
