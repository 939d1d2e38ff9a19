using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.ResNet.Cpu.Kernels;

/// <summary>
/// A 3x3 convolution of stride 1 and its gradients with 16 products where <see cref="ConvolutionKernel"/> needs 36
/// (<see cref="WinogradTransforms"/>). The gradient of the weights is gathered by elements too, and brought to weights once for the whole
/// batch; not so where sums of all shards would take more memory than they save products (<see cref="GradientIsByBlock"/>).
/// </summary>
/// <remarks>
/// Tiles are computed some at a time, so many that their elements stay in a cache through the three steps; where weights are many, so many
/// that these are worth their way from memory. Of images of odd height or width the last tiles hang over: what they read behind the border
/// goes to pixels that are not kept.
/// </remarks>
internal sealed unsafe class WinogradKernel : ConvolutionKernel
{
    private const int Elements = WinogradTransforms.Elements;
    private const int FloatsAtATime = 1024; // of an element: all sixteen come and go in the cache
    private const int SumFloatsAtATime = 4096; // the same for the gradient of the weights: sums are worth their way to memory and back
    private const int WideFloatsAtATime = 32 << 10; // of an element, 128 KiB, where weights are many
    private const int MostSums = 16 * 256 * 256; // floats that a shard gathers: 4 MiB
    private const int FewestWidePixels = 16;

    private readonly ConvolutionShape _shape;
    private readonly NativeBuffer _elements; // of the weights: each by block of outputs, inputs x channels of the block
    private readonly NativeBuffer _turnedElements; // of the turned weights: each by block of inputs, outputs x channels of the block

    /// <param name="shape">A shape that this kernel <see cref="Computes"/>.</param>
    /// <param name="blockWidth">Channels that are computed together: 32 or 16; 0 for what is fastest here.</param>
    public WinogradKernel(ConvolutionShape shape, int blockWidth = 0)
        : base(shape, blockWidth)
    {
        _shape = shape;
        _elements = new NativeBuffer(Elements * Pairs);
        _turnedElements = new NativeBuffer(Elements * Pairs);
    }

    /// <summary>Whether a convolution can be computed so.</summary>
    public static bool Computes(ConvolutionShape shape)
        => shape.Size == 3 && shape.Stride == 1 && shape.Inputs % 16 == 0 && shape.Outputs % 16 == 0
            && (shape.IsWide || WinogradTransforms.Compute(shape));

    /// <summary>
    /// Whether the products that are saved are worth the transforms, and, where weights are many, what tiles that hang over waste.
    /// </summary>
    public static bool Pays(ConvolutionShape shape)
        => Computes(shape) && (shape.IsWide
            ? shape.OutputLength / shape.Outputs is >= FewestWidePixels and var pixels
                && 3L * Elements * Half(shape.Height) * Half(shape.Width) <= 2L * 9 * pixels
            : WinogradTransforms.Pay(shape));

    /// <inheritdoc/>
    public override long PaddedInputLength => checked(base.PaddedInputLength + Overhang * _shape.Inputs);

    /// <inheritdoc/>
    public override long PaddedGradientLength => checked(base.PaddedGradientLength + Overhang * _shape.Outputs);

    /// <inheritdoc/>
    public override bool GradientIsByBlock
        => base.GradientIsByBlock && (Elements * Pairs > MostSums || !WinogradTransforms.Compute(_shape));

    /// <inheritdoc/>
    public override long SumsLength => GradientIsByBlock ? base.SumsLength : Elements * Pairs;

    /// <inheritdoc/>
    public override long ScratchLength
    {
        get
        {
            var tiles = Math.Max(MostTiles(FloatsAtOnce), MostTiles(SumFloatsAtOnce));
            // 16: micro-kernels read so many tiles at once
            return Math.Max(GradientIsByBlock ? base.ScratchLength : 0,
                checked(Elements * ((long)WinogradTransforms.ElementPitch(tiles, _shape.Inputs)
                    + WinogradTransforms.ElementPitch(tiles, _shape.Outputs)) + 16L * Math.Max(_shape.Inputs, _shape.Outputs)));
        }
    }

    private static int Half(int pixels) => (pixels + 1) / 2;

    // Pixels that tiles read behind an image with its border.
    private long Overhang => (_shape.Height % 2 + _shape.Width % 2) * (_shape.Width + 3L);

    private int FloatsAtOnce => _shape.IsWide ? WideFloatsAtATime : FloatsAtATime;

    private int SumFloatsAtOnce => _shape.IsWide ? WideFloatsAtATime : SumFloatsAtATime;

    // Inputs whose elements lie side by side: what the tiles of the gradient's inner loop divide, and the first-level cache holds.
    private int PanelWidth => BlockWidth == 16 ? 48 : 32;

    private nint Pairs => checked((nint)_shape.Inputs * _shape.Outputs);

    private int Tiles => checked(Half(_shape.Height) * Half(_shape.Width));

    /// <inheritdoc/>
    public override void Pack(float* weights)
    {
        base.Pack(weights);
        ToElements(PackedWeights, _shape.Inputs, _shape.Outputs, _elements.Pointer);
        ToElements(TurnedWeights, _shape.Outputs, _shape.Inputs, _turnedElements.Pointer);
    }

    /// <inheritdoc/>
    public override void Forward(float* padded, float* output, int images, float* scratch)
        => Convolve(padded, (nint)PaddedInputLength, _shape.Inputs, _elements.Pointer, output, _shape.Outputs, images, scratch,
            adds: false);

    /// <inheritdoc/>
    public override void BackwardInput(float* paddedGradient, float* gradient, int images, bool adds, float* scratch)
        => Convolve(paddedGradient, (nint)PaddedGradientLength, _shape.Outputs, _turnedElements.Pointer, gradient, _shape.Inputs, images,
            scratch, adds);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void BackwardWeights(float* padded, float* paddedGradient, int images, float* sums, float* scratch)
    {
        if (GradientIsByBlock)
        {
            base.BackwardWeights(padded, paddedGradient, images, sums, scratch);
            return;
        }
        var all = checked(images * Tiles);
        var tiles = TilesAtATime(all, SumFloatsAtOnce);
        nint inputPitch = WinogradTransforms.ElementPitch(tiles, _shape.Inputs),
            gradientPitch = WinogradTransforms.ElementPitch(tiles, _shape.Outputs);
        var gradients = scratch + Elements * inputPitch;
        for (var first = 0; first < all; first += tiles)
        {
            var count = Math.Min(tiles, all - first);
            ReadTiles(padded, (nint)PaddedInputLength, _shape.Inputs, first, count, PanelWidth, scratch, inputPitch);
            ReadGradients(paddedGradient, first, count, gradients, gradientPitch);
            for (var element = 0; element < Elements; element++)
                for (var block = 0; block < Blocks; block++)
                {
                    var (output, channels) = Block(block, _shape.Outputs);
                    AddPanels(scratch + element * inputPitch, gradients + element * gradientPitch + (nint)output * count, count, channels,
                        sums + _shape.Inputs * ((nint)Elements * output + element * channels));
                }
        }
    }

    // Adds what some tiles make of one element of a block of weights. The gradients stay in the first-level cache for all inputs.
    private void AddPanels(float* inputs, float* gradients, int tiles, int channels, float* sums)
    {
        for (nint first = 0; first < _shape.Inputs; first += PanelWidth)
        {
            var width = Math.Min(PanelWidth, _shape.Inputs - first);
            new WeightGradientMicroKernel(0, width, 0, channels, tiles, BlockWidth)
                .Add(inputs + first * tiles, gradients, new(1, 0, 0, 1), width, channels, sums + first * channels);
        }
    }

    /// <inheritdoc/>
    public override void Unpack(int block, float* sums, float* gradient)
    {
        if (GradientIsByBlock)
        {
            base.Unpack(block, sums, gradient);
            return;
        }
        var (output, channels) = Block(block, _shape.Outputs);
        sums += (nint)_shape.Inputs * Elements * output;
        var length = (nint)_shape.Inputs * channels;
        for (nint i = 0; i < length; i += 16)
            WinogradTransforms.WeightsGradient(sums + i, length, sums + i, length);
        Unpack(output, channels, sums, gradient);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        _elements.Dispose();
        _turnedElements.Dispose();
    }

    private void Convolve(float* padded, nint paddedLength, int inputs, float* weights, float* output, int outputs, int images,
        float* scratch, bool adds)
    {
        var all = checked(images * Tiles);
        var tiles = TilesAtATime(all, FloatsAtOnce);
        nint inputPitch = WinogradTransforms.ElementPitch(tiles, inputs), outputPitch = WinogradTransforms.ElementPitch(tiles, outputs);
        var products = scratch + Elements * inputPitch;
        for (var first = 0; first < all; first += tiles)
        {
            var count = Math.Min(tiles, all - first);
            ReadTiles(padded, paddedLength, inputs, first, count, inputs, scratch, inputPitch);
            for (var element = 0; element < Elements; element++)
                ConvolutionMicroKernel.Multiply(scratch + element * inputPitch, count, inputs, weights + element * Pairs, outputs,
                    products + element * outputPitch, BlockWidth);
            WriteTiles(products, outputPitch, outputs, first, count, output, adds);
        }
    }

    // Elements in panels of so many channels: the first panel of all tiles, and then the next.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ReadTiles(float* padded, nint paddedLength, int channels, int first, int count, int panelWidth, float* elements, nint pitch)
    {
        var row = ((nint)_shape.Width + 2) * channels;
        var cursor = CursorAt(first, channels, row, paddedLength);
        for (var tile = 0; tile < count; tile++)
        {
            var pixels = padded + cursor.Next();
            for (nint panel = 0; panel < channels; panel += panelWidth)
            {
                var width = Math.Min(panelWidth, channels - panel);
                var target = elements + panel * count + tile * width;
                for (nint channel = 0; channel < width; channel += 16)
                    WinogradTransforms.Input(pixels + panel + channel, row, channels, target + channel, pitch);
            }
        }
    }

    // The same for gradients, in blocks of outputs.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ReadGradients(float* paddedGradient, int first, int count, float* elements, nint pitch)
    {
        var channels = _shape.Outputs;
        var row = ((nint)_shape.Width + 2) * channels;
        var cursor = CursorAt(first, channels, row, (nint)PaddedGradientLength);
        for (var tile = 0; tile < count; tile++)
        {
            var pixels = paddedGradient + row + channels + cursor.Next();
            for (nint block = 0; block < channels; block += BlockWidth)
            {
                var width = Math.Min(BlockWidth, channels - block);
                var target = elements + block * count + tile * width;
                for (nint channel = 0; channel < width; channel += 16)
                    WinogradTransforms.OutputGradient(pixels + block + channel, row, channels, target + channel, pitch);
            }
        }
    }

    private void WriteTiles(float* elements, nint pitch, int channels, int first, int count, float* output, bool adds)
    {
        if (Vector512.IsHardwareAccelerated)
            WriteTiles<SixteenLanes>(elements, pitch, channels, first, count, output, adds);
        else
            WriteTiles<EightLanes>(elements, pitch, channels, first, count, output, adds);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void WriteTiles<TLanes>(float* elements, nint pitch, int channels, int first, int count, float* output, bool adds)
        where TLanes : struct, ILanes<TLanes>
    {
        var row = (nint)_shape.Width * channels;
        var cursor = CursorAt(first, channels, row, (nint)_shape.Height * row);
        var (cutsColumns, cutsRows) = (_shape.Width % 2 != 0, _shape.Height % 2 != 0);
        for (var tile = 0; tile < count; tile++, elements += channels)
        {
            var (hasRight, hasBottom) = (!(cutsColumns && cursor.IsAtRight), !(cutsRows && cursor.IsAtBottom));
            var pixels = output + cursor.Next();
            for (var channel = 0; channel < channels; channel += TLanes.Count)
            {
                var (p, q, r, s) = WinogradTransforms.Output<TLanes>(elements + channel, pitch);
                var pixel = pixels + channel;
                Put(p, pixel, adds);
                if (hasRight)
                    Put(q, pixel + channels, adds);
                if (hasBottom)
                    Put(r, pixel + row, adds);
                if (hasRight && hasBottom)
                    Put(s, pixel + row + channels, adds);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put<TLanes>(TLanes sum, float* pixel, bool adds)
        where TLanes : struct, ILanes<TLanes>
        => TLanes.Store(adds ? sum + TLanes.Load(pixel) : sum, pixel);

    private WinogradTileCursor CursorAt(int first, int channels, nint row, nint image)
        => new(Half(_shape.Width), Half(_shape.Height), channels, row, image, first);

    private void ToElements(float* packed, int inputs, int outputs, float* elements)
    {
        for (var block = 0; block * BlockWidth < outputs; block++)
        {
            var (output, channels) = Block(block, outputs);
            var length = (nint)inputs * channels;
            for (nint i = 0; i < length; i += 16)
                WinogradTransforms.Weights(packed + (nint)9 * inputs * output + i, length, elements + (nint)inputs * output + i,
                    (nint)inputs * outputs);
        }
    }

    // As many as make what a cache holds; a multiple of 16, as micro-kernels compute so many at once.
    private int MostTiles(int floats) => Math.Max(16, floats / Math.Max(_shape.Inputs, _shape.Outputs) / 16 * 16);

    // Equal parts of all.
    private int TilesAtATime(int all, int floats)
    {
        var parts = Math.Max(1, (all + MostTiles(floats) - 1) / MostTiles(floats));
        return ((all + parts - 1) / parts + 15) / 16 * 16;
    }
}
