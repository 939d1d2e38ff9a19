using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.ResNet.Cpu.Kernels;

/// <summary>
/// A 3x3 convolution of stride 1 and its gradients with 16 products where <see cref="ConvolutionKernel"/> needs 36
/// (<see cref="WinogradTransforms"/>). The gradient of the weights is gathered by elements too, and brought to weights once for the whole
/// batch.
/// </summary>
/// <remarks>Tiles are computed some at a time, so many that their elements stay in a cache through the three steps.</remarks>
internal sealed unsafe class WinogradKernel : ConvolutionKernel
{
    private const int Elements = WinogradTransforms.Elements;
    private const int FloatsAtATime = 1024; // of an element: all sixteen come and go in the cache
    private const int SumFloatsAtATime = 4096; // the same for the gradient of the weights: sums are worth their way to memory and back

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
        => WinogradTransforms.Compute(shape) && !shape.IsWide && shape.Inputs % 16 == 0 && shape.Outputs % 16 == 0;

    /// <inheritdoc/>
    public override long SumsLength => Elements * Pairs;

    /// <inheritdoc/>
    public override long ScratchLength
        // 16: micro-kernels read so many tiles at once
        => Elements * (WinogradTransforms.ElementPitch(TilesAtATime(SumFloatsAtATime), _shape.Inputs)
            + WinogradTransforms.ElementPitch(TilesAtATime(SumFloatsAtATime), _shape.Outputs))
            + 16L * Math.Max(_shape.Inputs, _shape.Outputs);

    private nint Pairs => checked((nint)_shape.Inputs * _shape.Outputs);

    private int Tiles => checked(_shape.Height / 2 * (_shape.Width / 2));

    /// <inheritdoc/>
    public override void Pack(float* weights)
    {
        base.Pack(weights);
        ToElements(PackedWeights, _shape.Inputs, _shape.Outputs, _elements.Pointer);
        ToElements(TurnedWeights, _shape.Outputs, _shape.Inputs, _turnedElements.Pointer);
    }

    /// <inheritdoc/>
    public override void Forward(float* padded, float* output, int images, float* scratch)
    {
        for (var image = 0; image < images; image++)
            Convolve(padded + image * PaddedInputLength, _shape.Inputs, _elements.Pointer, output + image * _shape.OutputLength,
                _shape.Outputs, scratch, adds: false);
    }

    /// <inheritdoc/>
    public override void BackwardInput(float* paddedGradient, float* gradient, int images, bool adds, float* scratch)
    {
        for (var image = 0; image < images; image++)
            Convolve(paddedGradient + image * PaddedGradientLength, _shape.Outputs, _turnedElements.Pointer,
                gradient + image * _shape.InputLength, _shape.Inputs, scratch, adds);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void BackwardWeights(float* padded, float* paddedGradient, float* sums, float* scratch)
    {
        var tiles = TilesAtATime(SumFloatsAtATime);
        nint inputPitch = WinogradTransforms.ElementPitch(tiles, _shape.Inputs),
            gradientPitch = WinogradTransforms.ElementPitch(tiles, _shape.Outputs);
        var gradients = scratch + Elements * inputPitch;
        for (var first = 0; first < Tiles; first += tiles)
        {
            var count = Math.Min(tiles, Tiles - first);
            ReadTiles(padded, _shape.Inputs, first, count, scratch, inputPitch);
            ReadGradients(paddedGradient, first, count, gradients, gradientPitch);
            var kernel = new WeightGradientMicroKernel(0, _shape.Inputs, 0, _shape.Outputs, count, BlockWidth);
            for (var element = 0; element < Elements; element++)
                for (var block = 0; block < Blocks; block++)
                {
                    var (output, channels) = Block(block, _shape.Outputs);
                    kernel.Add(scratch + element * inputPitch, gradients + element * gradientPitch + output, new(1, 0, 0, 1), _shape.Inputs,
                        channels, sums + _shape.Inputs * ((nint)Elements * output + element * channels));
                }
        }
    }

    /// <inheritdoc/>
    public override void Unpack(int block, float* sums, float* gradient)
    {
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

    private void Convolve(float* padded, int inputs, float* weights, float* output, int outputs, float* scratch, bool adds)
    {
        var tiles = TilesAtATime(FloatsAtATime);
        nint inputPitch = WinogradTransforms.ElementPitch(tiles, inputs), outputPitch = WinogradTransforms.ElementPitch(tiles, outputs);
        var products = scratch + Elements * inputPitch;
        for (var first = 0; first < Tiles; first += tiles)
        {
            var count = Math.Min(tiles, Tiles - first);
            ReadTiles(padded, inputs, first, count, scratch, inputPitch);
            for (var element = 0; element < Elements; element++)
                ConvolutionMicroKernel.Multiply(scratch + element * inputPitch, count, inputs, weights + element * Pairs, outputs,
                    products + element * outputPitch, BlockWidth);
            WriteTiles(products, outputPitch, outputs, first, count, output, adds);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ReadTiles(float* padded, int channels, int first, int count, float* elements, nint pitch)
    {
        var row = ((nint)_shape.Width + 2) * channels;
        var cursor = CursorAt(first, channels, row);
        for (var tile = 0; tile < count; tile++, elements += channels)
        {
            var pixels = padded + cursor.Next();
            for (var channel = 0; channel < channels; channel += 16)
                WinogradTransforms.Input(pixels + channel, row, channels, elements + channel, pitch);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ReadGradients(float* paddedGradient, int first, int count, float* elements, nint pitch)
    {
        var channels = _shape.Outputs;
        var row = ((nint)_shape.Width + 2) * channels;
        var cursor = CursorAt(first, channels, row);
        for (var tile = 0; tile < count; tile++, elements += channels)
        {
            var pixels = paddedGradient + row + channels + cursor.Next();
            for (var channel = 0; channel < channels; channel += 16)
                WinogradTransforms.OutputGradient(pixels + channel, row, channels, elements + channel, pitch);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void WriteTiles(float* elements, nint pitch, int channels, int first, int count, float* output, bool adds)
    {
        var row = (nint)_shape.Width * channels;
        var cursor = CursorAt(first, channels, row);
        for (var tile = 0; tile < count; tile++, elements += channels)
        {
            var pixels = output + cursor.Next();
            for (var channel = 0; channel < channels; channel += 16)
            {
                var (p, q, r, s) = WinogradTransforms.Output(elements + channel, pitch);
                var pixel = pixels + channel;
                if (adds)
                {
                    (p, q) = (p + Vector512.Load(pixel), q + Vector512.Load(pixel + channels));
                    (r, s) = (r + Vector512.Load(pixel + row), s + Vector512.Load(pixel + row + channels));
                }
                p.Store(pixel);
                q.Store(pixel + channels);
                r.Store(pixel + row);
                s.Store(pixel + row + channels);
            }
        }
    }

    private WinogradTileCursor CursorAt(int first, int channels, nint row)
        => new(_shape.Width / 2, _shape.Height / 2, channels, row, image: 0, first);

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

    // A multiple of 16, as micro-kernels compute so many at once.
    private int TilesAtATime(int floats)
        => Math.Min((Tiles + 15) / 16 * 16, Math.Max(16, floats / Math.Max(_shape.Inputs, _shape.Outputs) / 16 * 16));
}
