using System.Runtime.CompilerServices;
using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Cpu.Inference;

/// <summary>
/// A convolution that reads its windows straight from the map. Rows of a kernel are runs of numbers that lie side by side, because a
/// pixel's channels do; that, and the border of zeros, leaves the inner loop without a condition. Adding the shortcut and ReLU cost no pass
/// of their own.
/// </summary>
internal sealed unsafe class DirectConvolution : InferenceLayer
{
    private readonly TileKernel _kernel;
    private readonly PackedWeights _weights;
    private readonly FeatureMap _input, _output;
    private readonly int _stride;
    private readonly nint[] _runs;

    /// <param name="kernel">Computes tiles.</param>
    /// <param name="convolution">Weights and bias.</param>
    /// <param name="stride">Step, in pixels.</param>
    /// <param name="input">Read; its border is at least half the kernel.</param>
    /// <param name="output">Written; has full blocks.</param>
    public DirectConvolution(TileKernel kernel, FoldedConvolution convolution, int stride, FeatureMap input, FeatureMap output)
    {
        (_kernel, _input, _output, _stride) = (kernel, input, output, stride);
        _weights = new PackedWeights(convolution, input.Layout);
        _runs = [.. from block in Enumerable.Range(0, input.Layout.Blocks)
                    from row in Enumerable.Range(0, _weights.Kernel)
                    select block * input.Layout.BlockStride + row * input.Layout.RowStride];
    }

    /// <summary>Whether the result is added to what the output map holds.</summary>
    public bool Accumulates { get; init; }

    /// <summary>Whether negative results become zero.</summary>
    public bool Rectifies { get; init; }

    /// <inheritdoc/>
    public override int Shards(int images) => checked(_weights.Groups * Tiles(images));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(Workspace workspace, int images, int first, int end)
    {
        nint* inputs = stackalloc nint[ConvolutionTile.Pixels], outputs = stackalloc nint[ConvolutionTile.Pixels];
        fixed (nint* runs = _runs)
        {
            var tile = new ConvolutionTile
            {
                Input = workspace[_input],
                InputOffsets = inputs,
                RunOffsets = runs,
                RunCount = _runs.Length,
                RunLength = (nint)_weights.Kernel * _input.Layout.BlockChannels,
                OutputOffsets = outputs,
                BlockStride = _output.Layout.BlockStride,
                Accumulates = Accumulates,
                Rectifies = Rectifies,
            };
            var tiles = Tiles(images);
            for (var shard = first; shard < end;)
            {
                var (group, start) = Math.DivRem(shard, tiles);
                var stop = Math.Min(end - group * tiles, tiles);
                tile.Weights = _weights.Weights(group);
                tile.Bias = _weights.Bias(group);
                tile.Output = workspace[_output] + (nint)group * ConvolutionTile.MaxBlocks * _output.Layout.BlockStride;
                RunGroup(ref tile, _weights.BlocksIn(group), start, stop, images);
                shard = group * tiles + stop;
            }
        }
        GC.KeepAlive(this);
        GC.KeepAlive(workspace);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        _weights.Dispose();
    }

    // Tiles lie side by side: while a group's weights stay in the cache, all pixels of all images pass by.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void RunGroup(ref ConvolutionTile tile, int blocks, int first, int end, int images)
    {
        var cursor = new IndirectionCursor(_input.Layout, _output.Layout, _weights.Kernel, _stride, images, first * ConvolutionTile.Pixels);
        for (var index = first; index < end; index++)
        {
            tile.Count = cursor.Next(tile.InputOffsets, tile.OutputOffsets);
            _kernel.Run(tile, blocks);
        }
    }

    private int Tiles(int images) => checked(images * _output.Layout.Shape.PlaneSize + ConvolutionTile.Pixels - 1) / ConvolutionTile.Pixels;
}
