using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Microsoft.ML.ResNet.Cpu.Kernels;
using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Cpu.Inference;

/// <summary>
/// A 3x3 convolution of stride 1 with 16 products where <see cref="DirectConvolution"/> needs 36: Winograd's F(2x2, 3x3) (Lavin, Gray 2015,
/// arXiv:1509.09308). Windows of 4x4 pixels become 4x4 sums and differences, each place of which is a 1x1 convolution of its own; sums and
/// differences of the results are 2x2 pixels.
/// </summary>
/// <remarks>Windows go by in panels that stay in the cache through the three steps.</remarks>
internal sealed unsafe class WinogradConvolution : InferenceLayer
{
    private const int Places = WinogradTransforms.Places, Block = MapLayout.FullBlock;
    private const int Slack = 16; // windows that may be read behind the last
    private const int Panel = 32; // windows, at most: few enough for the cache, and enough for the weights to be worth fetching
    private const int Piece = 8; // windows: what kernels compute at once
    private const int FewestChannels = 16, FewestPixels = 64; // below, sums and differences cost more than products save

    private readonly TileKernel _kernel;
    private readonly PackedWeights[] _weights;
    private readonly AlignedFloats _bias;
    private readonly FeatureMap _input, _output;
    private readonly ScratchPool _scratch;

    /// <param name="kernel">Computes tiles.</param>
    /// <param name="convolution">Weights and bias.</param>
    /// <param name="input">Read; has full blocks.</param>
    /// <param name="output">Written; of the same height and width.</param>
    /// <param name="scratch">Lends memory for panels.</param>
    public WinogradConvolution(TileKernel kernel, FoldedConvolution convolution, FeatureMap input, FeatureMap output, ScratchPool scratch)
    {
        (_kernel, _input, _output, _scratch) = (kernel, input, output, scratch);
        _weights = WinogradWeights.Transform(convolution, input.Layout);
        _bias = new AlignedFloats(output.Layout.Blocks * Block);
        if (convolution.Bias is { } bias)
            MemoryMarshal.Cast<byte, float>(bias.Span).CopyTo(_bias.Span);
    }

    /// <summary>Whether the result is added to what the output map holds.</summary>
    public bool Accumulates { get; init; }

    /// <summary>Whether negative results become zero.</summary>
    public bool Rectifies { get; init; }

    /// <summary>Whether a convolution can be computed so, and is faster for it.</summary>
    public static bool Suits(FoldedConvolution convolution, int stride, MapLayout input)
        => convolution.Shape[2] == 3 && stride == 1 && input.BlockChannels == Block
            && Math.Min(input.Shape.Channels, convolution.Shape[0]) >= FewestChannels
            && input.Shape.PlaneSize >= FewestPixels && input.Shape.Height % 2 == 0 && input.Shape.Width % 2 == 0;

    /// <inheritdoc/>
    public override int Pieces(int images) => (Windows(images) + Piece - 1) / Piece;

    /// <inheritdoc/>
    public override void Run(Workspace workspace, int images, int first, int end)
    {
        int inputPlace = PlaceLength(_input), outputPlace = PlaceLength(_output);
        var scratch = _scratch.Rent(Places * (inputPlace + outputPlace) + Slack * _weights[0].WindowLength);
        var products = scratch.Pointer + Places * inputPlace;
        var endWindow = Math.Min(end * Piece, Windows(images));
        for (var window = first * Piece; window < endWindow; window += Panel)
        {
            var count = Math.Min(Panel, endWindow - window);
            Read(workspace[_input], window, count, scratch.Pointer);
            for (var place = 0; place < Places; place++)
                _kernel.Multiply(scratch.Pointer + place * inputPlace, count, _weights[place], products + place * outputPlace);
            Write(products, window, count, workspace[_output]);
        }
        _scratch.Return(scratch);
        GC.KeepAlive(this);
        GC.KeepAlive(workspace);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Read(float* map, int first, int count, float* places)
    {
        var (layout, place) = (_input.Layout, PlaceLength(_input));
        var walk = Walk(layout, first);
        map += layout.Offset(-1, -1); // the window's corner is up and left of its pixels
        for (var window = 0; window < count; window++)
        {
            var pixels = map + walk.Next();
            for (var block = 0; block < layout.Blocks; block++, places += Block, pixels += layout.BlockStride)
                WinogradTransforms.Input(pixels, layout.RowStride, Block, places, place);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Write(float* places, int first, int count, float* map)
    {
        var (layout, place) = (_output.Layout, PlaceLength(_output));
        var walk = Walk(layout, first);
        map += layout.Offset(0, 0);
        for (var window = 0; window < count; window++)
        {
            var pixels = map + walk.Next();
            for (var block = 0; block < layout.Blocks; block++, places += Block, pixels += layout.BlockStride)
            {
                var (p, q, r, s) = WinogradTransforms.Output(places, place);
                var bias = Vector512.Load(_bias.Pointer + block * Block);
                Finish(pixels, p + bias);
                Finish(pixels + Block, q + bias);
                Finish(pixels + layout.RowStride, r + bias);
                Finish(pixels + layout.RowStride + Block, s + bias);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Finish(float* pixel, Vector512<float> sum)
    {
        if (Accumulates)
            sum += Vector512.Load(pixel);
        if (Rectifies)
            sum = Vector512.Max(sum, Vector512<float>.Zero);
        sum.Store(pixel);
    }

    private static int PlaceLength(FeatureMap map) => WinogradTransforms.PlaceLength(Panel, map.Layout.Blocks * Block);

    private static WinogradTileCursor Walk(MapLayout layout, int first)
        => new(layout.Shape.Width / 2, layout.Shape.Height / 2, Block, layout.RowStride, layout.ImageStride, first);

    private int Windows(int images) => images * (_input.Layout.Shape.PlaneSize / 4);
}
