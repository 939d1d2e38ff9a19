using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Microsoft.ML.ResNet.Cpu.Kernels;
using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Cpu.Inference;

/// <summary>
/// A 3x3 convolution of stride 1 with fewer products than <see cref="DirectConvolution"/> (<see cref="IWinogradTransforms"/>). What
/// <see cref="WinogradKernel{TTransforms, TLanes}"/> is to training, for maps in blocks of channels.
/// </summary>
/// <remarks>Tiles are computed some at a time, so many that their elements stay in the cache through the three steps.</remarks>
/// <typeparam name="TTransforms">The transforms.</typeparam>
internal sealed unsafe class WinogradConvolution<TTransforms> : ConvolutionLayer
    where TTransforms : struct, IWinogradTransforms
{
    private const int Block = MapLayout.FullBlock;
    private const int Slack = 16; // tiles that kernels may read behind the last
    private const int TilesOfShard = 8; // half of what kernels compute at once, so that more threads can share an image

    private readonly TileKernel _kernel;
    private readonly WinogradWeights<TTransforms> _weights;
    private readonly NativeBuffer _bias;
    private readonly FeatureMap _input, _output;

    /// <param name="kernel">Computes tiles.</param>
    /// <param name="convolution">Weights and bias.</param>
    /// <param name="input">Read; has full blocks.</param>
    /// <param name="output">Written; of the same height and width.</param>
    public WinogradConvolution(TileKernel kernel, FoldedConvolution convolution, FeatureMap input, FeatureMap output)
    {
        (_kernel, _input, _output) = (kernel, input, output);
        _weights = new WinogradWeights<TTransforms>(convolution, input.Layout);
        _bias = new NativeBuffer(_weights.Outputs, zeroed: true);
        if (convolution.Bias is { } bias)
            MemoryMarshal.Cast<byte, float>(bias.Span).CopyTo(new Span<float>(_bias.Pointer, _weights.Outputs));
    }

    private static int TileSize => TTransforms.TileSize;

    private static int Elements => WinogradTransforms.ElementsOf<TTransforms>();

    // At most: few enough for the cache, and enough for the weights to be worth fetching.
    private static int TilesAtATime => TileSize == 4 ? 16 : 32;

    /// <summary>Whether a map consists of whole tiles.</summary>
    public static bool Covers(ImageShape map) => map.Height % TileSize == 0 && map.Width % TileSize == 0;

    /// <inheritdoc/>
    public override int Pieces => _weights.Groups;

    /// <inheritdoc/>
    public override void Pack(FoldedConvolution convolution, int piece) => _weights.Pack(convolution, piece);

    /// <inheritdoc/>
    public override int Shards(int images) => (Tiles(images) + TilesOfShard - 1) / TilesOfShard;

    /// <inheritdoc/>
    public override void Run(Workspace workspace, int images, int first, int end)
    {
        nint inputPitch = WinogradTransforms.ElementPitch(TilesAtATime, _weights.Inputs),
            outputPitch = WinogradTransforms.ElementPitch(TilesAtATime, _weights.Outputs);
        var scratch = workspace.Rent(Elements * (inputPitch + outputPitch) + (nint)Slack * _weights.Inputs);
        try
        {
            var products = scratch.Pointer + Elements * inputPitch;
            var endTile = Math.Min(end * TilesOfShard, Tiles(images));
            for (var tile = first * TilesOfShard; tile < endTile; tile += TilesAtATime)
            {
                var count = Math.Min(TilesAtATime, endTile - tile);
                Read(workspace[_input], tile, count, scratch.Pointer, inputPitch);
                for (var element = 0; element < Elements; element++)
                    _kernel.Multiply(scratch.Pointer + element * inputPitch, count, _weights.Inputs, _weights.Element(element),
                        _weights.Outputs, products + element * outputPitch);
                Write(products, outputPitch, tile, count, workspace[_output]);
            }
        }
        finally
        {
            workspace.Return(scratch);
        }
        GC.KeepAlive(this);
        GC.KeepAlive(workspace);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        _weights.Dispose();
        _bias.Dispose();
    }

    private void Read(float* map, int first, int count, float* elements, nint pitch)
    {
        if (Vector512.IsHardwareAccelerated)
            Read<SixteenLanes>(map, first, count, elements, pitch);
        else
            Read<EightLanes>(map, first, count, elements, pitch);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Read<TLanes>(float* map, int first, int count, float* elements, nint pitch)
        where TLanes : struct, ILanes<TLanes>
    {
        var layout = _input.Layout;
        var (rowStride, blockStride) = (layout.RowStride, layout.BlockStride);
        var cursor = CursorAt(layout, first);
        map += layout.Offset(-1, -1); // a tile's input begins up and left of its output
        for (var tile = 0; tile < count; tile++)
        {
            var pixels = map + cursor.Next();
            for (var block = 0; block < layout.Blocks; block++, elements += Block, pixels += blockStride)
                for (var lane = 0; lane < Block; lane += TLanes.Count)
                    TTransforms.Input<TLanes>(pixels + lane, rowStride, Block, elements + lane, pitch);
        }
    }

    private void Write(float* elements, nint pitch, int first, int count, float* map)
    {
        if (Vector512.IsHardwareAccelerated)
            Write<SixteenLanes>(elements, pitch, first, count, map);
        else
            Write<EightLanes>(elements, pitch, first, count, map);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Write<TLanes>(float* elements, nint pitch, int first, int count, float* map)
        where TLanes : struct, ILanes<TLanes>
    {
        var layout = _output.Layout;
        var (rowStride, blockStride) = (layout.RowStride, layout.BlockStride);
        var cursor = CursorAt(layout, first);
        map += layout.Offset(0, 0);
        for (var tile = 0; tile < count; tile++)
        {
            var pixels = map + cursor.Next();
            for (var channel = 0; channel < _weights.Outputs; channel += Block, elements += Block, pixels += blockStride)
                for (var lane = 0; lane < Block; lane += TLanes.Count)
                    TTransforms.Output<TLanes, Sink<TLanes>>(elements + lane, pitch, pixels + lane, rowStride, Block, TileSize, TileSize,
                        new(TLanes.Load(_bias.Pointer + channel + lane), Accumulates, Rectifies));
        }
    }

    private static WinogradTileCursor CursorAt(MapLayout layout, int first)
        => new(TileSize, layout.Shape.Width / TileSize, layout.Shape.Height / TileSize, Block, layout.RowStride, layout.ImageStride, first);

    private int Tiles(int images) => checked(images * (_input.Layout.Shape.PlaneSize / (TileSize * TileSize)));

    // Adds the bias, and perhaps what is there, and rectifies.
    private readonly struct Sink<TLanes>(TLanes bias, bool accumulates, bool rectifies) : IPixelSink<TLanes>
        where TLanes : struct, ILanes<TLanes>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Put(TLanes sum, float* pixel)
        {
            sum += bias;
            if (accumulates)
                sum += TLanes.Load(pixel);
            TLanes.Store(rectifies ? TLanes.Rectified(sum) : sum, pixel);
        }
    }
}
