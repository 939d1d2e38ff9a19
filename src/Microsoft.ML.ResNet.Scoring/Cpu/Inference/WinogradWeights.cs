using Microsoft.ML.ResNet.Cpu.Kernels;
using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Cpu.Inference;

/// <summary>
/// The weights of a 3x3 convolution as <see cref="WinogradConvolution"/> multiplies with them: sixteen elements, each of which is a 1x1
/// convolution in the order of <see cref="PackedWeights"/>.
/// </summary>
internal sealed unsafe class WinogradWeights : IDisposable
{
    private const int Block = MapLayout.FullBlock;

    private readonly NativeBuffer _elements;
    private readonly nint _pairs;

    /// <param name="convolution">3x3.</param>
    /// <param name="input">The map that tiles are cut from; has full blocks.</param>
    public WinogradWeights(FoldedConvolution convolution, MapLayout input)
    {
        using var packed = new PackedWeights(convolution, input);
        (Inputs, Outputs) = (input.Blocks * Block, packed.Blocks * Block);
        _pairs = checked((nint)Inputs * Outputs);
        _elements = new NativeBuffer(checked(WinogradTransforms.Elements * _pairs));
        var target = _elements.Pointer;
        for (var group = 0; group < packed.Groups; group++)
        {
            var weights = packed.Weights(group);
            nint tap = packed.BlocksIn(group) * Block * Block; // from a weight to the next: a block of inputs meets the group's outputs
            for (var block = 0; block < input.Blocks; block++, weights += 9 * tap, target += tap)
                for (nint i = 0; i < tap; i += Block)
                    WinogradTransforms.Weights(weights + i, tap, target + i, _pairs);
        }
    }

    /// <summary>Channels that come in, those beyond the last included.</summary>
    public int Inputs { get; }

    /// <summary>Channels that go out, those beyond the last included.</summary>
    public int Outputs { get; }

    /// <summary>The weights of one element: for each group of two output blocks, inputs x channels of the group.</summary>
    public float* Element(int index) => _elements.Pointer + index * _pairs;

    /// <summary>Frees the memory.</summary>
    public void Dispose() => _elements.Dispose();
}
