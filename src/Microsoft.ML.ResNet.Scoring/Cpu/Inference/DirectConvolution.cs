using System.Runtime.CompilerServices;
using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Cpu.Inference;

/// <summary>
/// A convolution that reads its windows straight from the map. Rows of a kernel are runs of numbers that lie side by side, because a
/// pixel's channels do; that, and the border of zeros, leaves the inner loop without a condition. Adding the shortcut and ReLU cost no pass
/// of their own.
/// </summary>
internal sealed unsafe class DirectConvolution : ConvolutionLayer
{
    // For each float of the input, up to which threads share pixels: what another thread wrote is slower to read than weights.
    private const int WeightsForInput = 4;
    private const int WeightsAtATime = 16 * 1024; // floats: they, and the pixels that meet them, stay in the second cache

    private readonly TileKernel _kernel;
    private readonly PackedWeights _weights;
    private readonly FeatureMap _input, _output;
    private readonly int _stride;
    private readonly nint[] _runs;
    private readonly bool _sharesPixels;

    /// <param name="kernel">Computes tiles.</param>
    /// <param name="convolution">Weights and bias.</param>
    /// <param name="stride">Step, in pixels.</param>
    /// <param name="input">Read; its border is at least half the kernel.</param>
    /// <param name="output">Written; has full blocks.</param>
    public DirectConvolution(TileKernel kernel, FoldedConvolution convolution, int stride, FeatureMap input, FeatureMap output)
    {
        (_kernel, _input, _output, _stride) = (kernel, input, output, stride);
        _weights = new PackedWeights(convolution, input.Layout);
        _sharesPixels = convolution.Unscaled.Length <= WeightsForInput * (long)input.Layout.ImageStride;
        _runs = [.. from block in Enumerable.Range(0, input.Layout.Blocks)
                    from row in Enumerable.Range(0, _weights.Kernel)
                    select block * input.Layout.BlockStride + row * input.Layout.RowStride];
    }

    /// <inheritdoc/>
    public override int Pieces => _weights.Groups;

    /// <inheritdoc/>
    public override void Pack(FoldedConvolution convolution, int piece) => _weights.Pack(convolution, piece);

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
                RunLength = (nint)_weights.Kernel * _input.Layout.BlockChannels,
                OutputOffsets = outputs,
                BlockStride = _output.Layout.BlockStride,
            };
            for (var group = 0; group < _weights.Groups; group++)
            {
                var (start, stop) = (FirstTile(first, group, images), FirstTile(end, group, images));
                if (start == stop)
                    continue;
                tile.Output = workspace[_output] + (nint)group * ConvolutionTile.MaxBlocks * _output.Layout.BlockStride;
                RunGroup(ref tile, group, runs, start, stop, images);
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

    // Shards are tiles of groups of outputs: all groups of a tile and then the next tile, where threads share the pixels, and else all
    // tiles of a group and then the next group.
    private int FirstTile(int shard, int group, int images) => _sharesPixels
        ? (shard - group + _weights.Groups - 1) / _weights.Groups
        : Math.Clamp(shard - group * Tiles(images), 0, Tiles(images));

    // Tiles lie side by side: while weights stay in the cache, all pixels of all images pass by. Where a group has more of them than that,
    // some runs of a window are done at a time, and the output holds the sums meanwhile; no addition changes its place.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void RunGroup(ref ConvolutionTile tile, int group, nint* runs, int first, int end, int images)
    {
        var blocks = _weights.BlocksIn(group);
        var weightsOfRun = tile.RunLength * blocks * MapLayout.FullBlock;
        var runsAtATime = (int)Math.Clamp(WeightsAtATime / weightsOfRun, 1, _runs.Length);
        for (var run = 0; run < _runs.Length; run += runsAtATime)
        {
            tile.RunOffsets = runs + run;
            tile.RunCount = Math.Min(runsAtATime, _runs.Length - run);
            tile.Weights = _weights.Weights(group) + run * weightsOfRun;
            tile.Bias = run == 0 ? _weights.Bias(group) : null;
            tile.Accumulates = Accumulates || run > 0;
            tile.Rectifies = Rectifies && run + runsAtATime >= _runs.Length;
            RunTiles(ref tile, blocks, first, end, images);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void RunTiles(ref ConvolutionTile tile, int blocks, int first, int end, int images)
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
