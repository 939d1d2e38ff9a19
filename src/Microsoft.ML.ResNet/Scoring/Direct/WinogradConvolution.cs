using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.ML.ResNet.Network;

namespace Microsoft.ML.ResNet.Scoring.Direct;

/// <summary>
/// A 3x3 convolution of stride 1 with 16 products where <see cref="DirectConvolution"/> needs 36: Winograd's F(2x2, 3x3) (Lavin, Gray 2015,
/// arXiv:1509.09308). Windows of 4x4 pixels become 4x4 sums and differences, each place of which is a 1x1 convolution of its own; sums and
/// differences of the results are 2x2 pixels.
/// </summary>
/// <remarks>Windows go by in panels that stay in the cache through the three steps.</remarks>
internal sealed unsafe class WinogradConvolution : DirectLayer
{
    private const int Places = 16, Block = MapLayout.FullBlock;
    private const int Panel = 32; // windows: few enough for the cache, and enough for the weights to be worth fetching
    private const int FewestChannels = 32, FewestPixels = 64; // below, sums and differences cost more than products save

    private readonly ConvolutionKernel _kernel;
    private readonly PackedWeights[] _weights;
    private readonly AlignedFloats _bias, _noBias;
    private readonly FeatureMap _input, _output;
    private readonly ScratchPool _scratch;
    private readonly nint[] _runs;

    /// <param name="kernel">Computes tiles.</param>
    /// <param name="convolution">Weights and bias.</param>
    /// <param name="input">Read; has full blocks.</param>
    /// <param name="output">Written; of the same height and width.</param>
    /// <param name="scratch">Lends memory for panels.</param>
    public WinogradConvolution(ConvolutionKernel kernel, FoldedConvolution convolution, FeatureMap input, FeatureMap output, ScratchPool scratch)
    {
        (_kernel, _input, _output, _scratch) = (kernel, input, output, scratch);
        _weights = WinogradWeights.Transform(convolution, input.Layout);
        (_bias, _noBias) = (new AlignedFloats(output.Layout.Blocks * Block), new AlignedFloats(ConvolutionTile.MaxBlocks * Block));
        if (convolution.Bias is { } bias)
            MemoryMarshal.Cast<byte, float>(bias.Span).CopyTo(_bias.Span);
        _runs = [.. Enumerable.Range(0, input.Layout.Blocks).Select(block => (nint)(block * Panel * Block))];
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
    public override int Pieces(int images) => (Windows(images) + Panel - 1) / Panel;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(Workspace workspace, int images, int first, int end)
    {
        var inputs = Places * PlaceStride(_input);
        var scratch = _scratch.Rent(inputs + Places * PlaceStride(_output));
        for (var panel = first; panel < end; panel++)
        {
            var (start, count) = (panel * Panel, Math.Min(Panel, Windows(images) - panel * Panel));
            for (var window = 0; window < count; window++)
                TransformInput(workspace[_input] + Offset(_input.Layout, start + window), scratch.Pointer + window * Block);
            Multiply(scratch.Pointer, scratch.Pointer + inputs, count);
            for (var window = 0; window < count; window++)
                TransformOutput(scratch.Pointer + inputs + window * Block, workspace[_output] + Offset(_output.Layout, start + window));
        }
        _scratch.Return(scratch);
        GC.KeepAlive(this);
        GC.KeepAlive(workspace);
    }

    // One place and one group at a time: their weights stay in the nearest cache while the panel passes by.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Multiply(float* from, float* to, int count)
    {
        nint* windows = stackalloc nint[ConvolutionTile.Pixels];
        fixed (nint* runs = _runs)
        {
            var tile = new ConvolutionTile
            {
                Count = ConvolutionTile.Pixels,
                Windows = windows,
                Runs = runs,
                RunCount = _runs.Length,
                RunLength = Block,
                Bias = _noBias.Pointer,
                Places = windows,
                BlockStride = Panel * Block,
            };
            for (var place = 0; place < Places; place++)
                for (var group = 0; group < _weights[place].Groups; group++)
                {
                    tile.Input = from + place * PlaceStride(_input);
                    tile.Weights = _weights[place].Weights(group);
                    tile.Output = to + place * PlaceStride(_output) + group * ConvolutionTile.MaxBlocks * Panel * Block;
                    for (var window = 0; window < count; window += ConvolutionTile.Pixels)
                    {
                        for (var i = 0; i < ConvolutionTile.Pixels; i++)
                            windows[i] = (window + i) * Block;
                        _kernel.Run(tile, _weights[place].BlocksIn(group));
                    }
                }
        }
    }

    // B^T d B.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void TransformInput(float* source, float* target)
    {
        var (row, place, blocks) = (_input.Layout.RowStride, PlaceStride(_input), _input.Layout.Blocks);
        var t = stackalloc Vector<float>[Places];
        source -= row + Block; // the window's corner is up and left of its pixels
        for (var block = 0; block < blocks; block++, source += _input.Layout.BlockStride, target += Panel * Block)
            for (var channel = 0; channel < Block; channel += Vector<float>.Count)
            {
                for (var x = 0; x < 4; x++)
                {
                    var d = source + x * Block + channel;
                    Vector<float> d0 = Vector.Load(d), d1 = Vector.Load(d + row), d2 = Vector.Load(d + 2 * row), d3 = Vector.Load(d + 3 * row);
                    (t[x], t[4 + x], t[8 + x], t[12 + x]) = (d0 - d2, d1 + d2, d2 - d1, d1 - d3);
                }
                for (var y = 0; y < Places; y += 4)
                {
                    var v = target + y * place + channel;
                    (t[y] - t[y + 2]).Store(v);
                    (t[y + 1] + t[y + 2]).Store(v + place);
                    (t[y + 2] - t[y + 1]).Store(v + 2 * place);
                    (t[y + 1] - t[y + 3]).Store(v + 3 * place);
                }
            }
    }

    // A^T m A, and what follows the convolution.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void TransformOutput(float* source, float* target)
    {
        var (place, blocks) = (PlaceStride(_output), _output.Layout.Blocks);
        var s = stackalloc Vector<float>[8];
        for (var block = 0; block < blocks; block++, source += Panel * Block, target += _output.Layout.BlockStride)
            for (var channel = 0; channel < Block; channel += Vector<float>.Count)
            {
                for (var x = 0; x < 4; x++)
                {
                    var m = source + x * place + channel;
                    Vector<float> m1 = Vector.Load(m + 4 * place), m2 = Vector.Load(m + 8 * place);
                    s[x] = Vector.Load(m) + m1 + m2;
                    s[4 + x] = m1 - m2 - Vector.Load(m + 12 * place);
                }
                var bias = Vector.Load(_bias.Pointer + block * Block + channel);
                for (var y = 0; y < 2; y++)
                {
                    var pixel = target + y * _output.Layout.RowStride + channel;
                    Finish(pixel, s[4 * y] + s[4 * y + 1] + s[4 * y + 2] + bias);
                    Finish(pixel + Block, s[4 * y + 1] - s[4 * y + 2] - s[4 * y + 3] + bias);
                }
            }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Finish(float* pixel, Vector<float> sum)
    {
        if (Accumulates)
            sum += Vector.Load(pixel);
        if (Rectifies)
            sum = Vector.Max(sum, Vector<float>.Zero);
        sum.Store(pixel);
    }

    // One line more than the numbers take: places that lie powers of two apart would push one another out of the cache.
    private static int PlaceStride(FeatureMap map) => map.Layout.Blocks * Panel * Block + Block;

    // Where the first of a window's 2x2 pixels lies, in floats from the first image.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static nint Offset(MapLayout layout, int window)
    {
        var (columns, inImage) = (layout.Shape.Width / 2, layout.Shape.PlaneSize / 4);
        var (image, place) = Math.DivRem(window, inImage);
        return (nint)image * layout.ImageStride + layout.Offset(2 * (place / columns), 2 * (place % columns));
    }

    private int Windows(int images) => images * (_input.Layout.Shape.PlaneSize / 4);
}
