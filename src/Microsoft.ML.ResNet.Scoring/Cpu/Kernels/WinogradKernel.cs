using System.Runtime.CompilerServices;

namespace Microsoft.ML.ResNet.Cpu.Kernels;

/// <summary>
/// A 3x3 convolution of stride 1 and its gradients with fewer products than <see cref="ConvolutionKernel"/>
/// (<see cref="IWinogradTransforms"/>). The gradient of the weights is gathered by elements too, and brought to weights at the end; not so
/// where tiles hang over, a shard has few of them, or sums of all shards would take more memory than they save products
/// (<see cref="GradientIsByBlock"/>).
/// </summary>
/// <remarks>
/// Tiles are computed some at a time, so many that their elements stay in a cache through the three steps; where weights are many, so many
/// that these are worth their way from memory. There the last tiles of a row or an image may hang over, if the transforms allow it: what
/// they read behind the border goes to pixels that are not kept.
/// </remarks>
/// <typeparam name="TTransforms">The transforms.</typeparam>
/// <typeparam name="TLanes">The vectors that they are computed with.</typeparam>
internal sealed unsafe class WinogradKernel<TTransforms, TLanes> : ConvolutionKernel
    where TTransforms : struct, IWinogradTransforms
    where TLanes : struct, ILanes<TLanes>
{
    private const int FloatsAtATime = 1024; // of an element: all come and go in the second-level cache
    private const int SumFloatsAtATime = 4096; // the same for the gradient of the weights: sums are worth their way to memory and back
    private const int WideFloatsAtATime = 32 << 10; // of an element, 128 KiB, where weights are many
    private const int TilesOfGroup = 32; // of small images: fewer would not be worth the way of weights and of their gradients
    private const int FewestTilesOfSums = 32; // of a shard: fewer are not worth the way of many sums to memory and back
    private const int MostSums = 1 << 20; // floats that a shard gathers: 4 MiB, which 256 x 256 channels make of tiles of 2x2

    private readonly ConvolutionShape _shape;
    private readonly int _imagesOfShard;

    /// <param name="shape">A shape that this kernel <see cref="Computes"/>.</param>
    /// <param name="blockWidth">Channels that are computed together: 32 or 16; 0 for what is fastest here.</param>
    /// <param name="imagesOfShard">Images whose gradients are gathered together, as a rule.</param>
    public WinogradKernel(ConvolutionShape shape, int blockWidth, int imagesOfShard)
        : base(shape, blockWidth)
        => (_shape, _imagesOfShard) = (shape, imagesOfShard);

    /// <summary>Whether a convolution can be computed so.</summary>
    public static bool Computes(ConvolutionShape shape)
        => shape.Size == 3 && shape.Stride == 1 && shape.Inputs % 16 == 0 && shape.Outputs % 16 == 0
            && (shape.IsWide && TTransforms.MayHangOver || shape.Height % TileSize == 0 && shape.Width % TileSize == 0);

    /// <inheritdoc/>
    public override long PaddedInputLength => checked(base.PaddedInputLength + Overhang * _shape.Inputs);

    /// <inheritdoc/>
    public override long PaddedGradientLength => checked(base.PaddedGradientLength + Overhang * _shape.Outputs);

    /// <inheritdoc/>
    public override int GroupSize => _shape.IsWide ? base.GroupSize : Math.Max(1, TilesOfGroup / Tiles);

    /// <inheritdoc/>
    public override bool GradientIsByBlock
        => base.GradientIsByBlock && (Elements * Pairs > MostSums || HangsOver || (long)_imagesOfShard * Tiles < FewestTilesOfSums);

    /// <inheritdoc/>
    public override long PackedLength => Elements * Pairs;

    /// <inheritdoc/>
    public override long SumsLength => GradientIsByBlock ? base.SumsLength : Elements * Pairs;

    /// <inheritdoc/>
    public override long ScratchLength
    {
        get
        {
            var tiles = Math.Max(MostTiles(FloatsAtOnce), MostTiles(SumFloatsAtOnce));
            // 16: micro-kernels read so many tiles at once
            return Math.Max(Math.Max(GradientIsByBlock ? base.ScratchLength : 0, 9L * BlockWidth * Math.Max(_shape.Inputs, _shape.Outputs)),
                checked(Elements * ((long)WinogradTransforms.ElementPitch(tiles, _shape.Inputs)
                    + WinogradTransforms.ElementPitch(tiles, _shape.Outputs)) + 16L * Math.Max(_shape.Inputs, _shape.Outputs)));
        }
    }

    private static int TileSize => TTransforms.TileSize;

    private static int Elements => WinogradTransforms.ElementsOf<TTransforms>();

    private int Rows => (_shape.Height + TileSize - 1) / TileSize;

    private int Columns => (_shape.Width + TileSize - 1) / TileSize;

    private bool HangsOver => _shape.Height % TileSize != 0 || _shape.Width % TileSize != 0;

    // Pixels that tiles read behind an image with its border.
    private long Overhang => (Rows * TileSize - _shape.Height) * (_shape.Width + 2L) + Columns * TileSize - _shape.Width;

    private int FloatsAtOnce => _shape.IsWide ? WideFloatsAtATime : FloatsAtATime;

    private int SumFloatsAtOnce => _shape.IsWide ? WideFloatsAtATime : SumFloatsAtATime;

    // Inputs whose elements lie side by side: what the tiles of the gradient's inner loop divide, and the first-level cache holds.
    private int PanelWidth => BlockWidth == 16 ? 48 : 32;

    private nint Pairs => checked((nint)_shape.Inputs * _shape.Outputs);

    private int Tiles => checked(Rows * Columns);

    /// <inheritdoc/>
    public override void PackForward(int block, float* weights, float* packed, float* scratch)
    {
        PackOutputs(block, weights, scratch);
        ToElements(scratch, block, _shape.Inputs, _shape.Outputs, packed);
    }

    /// <inheritdoc/>
    public override void PackBackward(int block, float* weights, float* packed, float* scratch)
    {
        PackInputs(block, weights, scratch);
        ToElements(scratch, block, _shape.Outputs, _shape.Inputs, packed);
    }

    /// <inheritdoc/>
    public override void Forward(float* padded, float* packed, float* output, int images, float* scratch)
        => Convolve(padded, (nint)PaddedInputLength, _shape.Inputs, packed, output, _shape.Outputs, images, scratch, adds: false);

    /// <inheritdoc/>
    public override void BackwardInput(float* paddedGradient, float* packed, float* gradient, int images, bool adds, float* scratch)
        => Convolve(paddedGradient, (nint)PaddedGradientLength, _shape.Outputs, packed, gradient, _shape.Inputs, images, scratch, adds);

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
    public override void EndBackwardWeights(float* sums)
    {
        if (GradientIsByBlock)
            return;
        // In place: a block's weights end before the next block's elements begin, and lie whole lengths before its own, so that sixteen of
        // them overwrite elements of the same sixteen alone, which have been read.
        var weights = sums;
        for (var block = 0; block < Blocks; block++)
        {
            var length = (nint)_shape.Inputs * Block(block, _shape.Outputs).Channels;
            for (nint i = 0; i < length; i += 16)
                TTransforms.WeightsGradient(sums + i, length, weights + i, length);
            sums += Elements * length;
            weights += 9 * length;
        }
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
    private void ReadTiles(float* padded, nint paddedLength, int channels, int first, int count, int panelWidth, float* elements,
        nint pitch)
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
                for (nint channel = 0; channel < width; channel += TLanes.Count)
                    TTransforms.Input<TLanes>(pixels + panel + channel, row, channels, target + channel, pitch);
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
                for (nint channel = 0; channel < width; channel += TLanes.Count)
                    TTransforms.OutputGradient<TLanes>(pixels + block + channel, row, channels, target + channel, pitch);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void WriteTiles(float* elements, nint pitch, int channels, int first, int count, float* output, bool adds)
    {
        var row = (nint)_shape.Width * channels;
        var cursor = CursorAt(first, channels, row, (nint)_shape.Height * row);
        var sink = new PlainSink<TLanes>(adds);
        var (lastHeight, lastWidth) = (_shape.Height - (Rows - 1) * TileSize, _shape.Width - (Columns - 1) * TileSize);
        for (var tile = 0; tile < count; tile++, elements += channels)
        {
            var (height, width) = (cursor.IsAtBottom ? lastHeight : TileSize, cursor.IsAtRight ? lastWidth : TileSize);
            var pixels = output + cursor.Next();
            for (var channel = 0; channel < channels; channel += TLanes.Count)
                TTransforms.Output<TLanes, PlainSink<TLanes>>(elements + channel, pitch, pixels + channel, row, channels, height, width,
                    sink);
        }
    }

    private WinogradTileCursor CursorAt(int first, int channels, nint row, nint image)
        => new(TileSize, Columns, Rows, channels, row, image, first);

    // A block of weights to its part of the elements: of each, by block, inputs x channels of the block.
    private void ToElements(float* weights, int block, int inputs, int outputs, float* elements)
    {
        var (first, channels) = Block(block, outputs);
        var length = (nint)inputs * channels;
        elements += (nint)inputs * first;
        for (nint i = 0; i < length; i += 16)
            TTransforms.Weights(weights + i, length, elements + i, Pairs);
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
